"""Names: which spellings are equal, and how a joined credit may be split."""

import re
import unicodedata
from functools import lru_cache

UNKNOWN_ARTIST = "Unknown Artist"
VARIOUS_ARTISTS = "Various Artists"
VARIOUS_ARTISTS_MBID = "89ad4ac3-39f7-470e-963a-56509c546377"  # a special-purpose artist of MusicBrainz
_VARIOUS_ARTISTS_SPELLINGS = frozenset(
    {"various artists", "various", "various artist", "va", "v.a.", "v/a", "diverse", "diverse interpreten",
     "verschiedene", "verschiedene interpreten", "artistes varies", "varios artistas", "varios", "artisti vari",
     "vari artisti", "blandade artister", "разные исполнители", "разные", "群星", "ヴァリアス・アーティスト",
     "オムニバス"}
)  # fmt: skip

_PLAIN_PUNCTUATION = str.maketrans(
    dict.fromkeys("‘’‚‛´`ʼʹ′＇", "'")
    | dict.fromkeys("“”„‟″＂", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("∕⁄", "/")
)
_ARABIC_VOWEL_SIGNS = frozenset(map(chr, [*range(0x064B, 0x0653), 0x0670, 0x0640]))
_HEBREW_POINTS = frozenset(map(chr, range(0x0591, 0x05C8)))
_DIAERESIS = "\u0308"

# The joins that always name a guest.
_SURE_JOIN = re.compile(r"\s+[(\[]?\s*\b(?:feat|ft|featuring)\b\.?\s+", re.IGNORECASE)
# The joins that stand in names too: what is split there needs evidence (see `credits.resolve`). "with" splits without.
_UNSURE_JOIN = re.compile(
    r"\s*(;|、|，)\s*|(,)\s+|\s*(/)\s*|\s+[(\[]?([&＆+×]|x|vs\.?|with|and|und|et|y|og|och)\s+", re.IGNORECASE
)
# Bands whose names look like lists, and whose parts are names of other artists.
_NEVER_SPLIT = frozenset(
    {"ac/dc", "above & beyond", "belle & sebastian", "belle and sebastian", "blood, sweat & tears", "brooks & dunn",
     "crosby, stills & nash", "crosby, stills, nash & young", "earth, wind & fire", "earth, wind and fire",
     "emerson, lake & palmer", "florence + machine", "hall & oates", "ike & tina turner", "kool & the gang",
     "peter, paul & mary", "peter, paul and mary", "simon & garfunkel", "simon and garfunkel", "sonny & cher",
     "tyler, the creator"}
)  # fmt: skip


@lru_cache(16384)  # the tracks of an album repeat the same names
def normalised_name(name: str) -> str:
    """Return the form in which two spellings of a name are equal; it is empty only for an empty name.

    It ignores case, the accents of Latin and Greek letters, a leading "The", typographic quotes and dashes, repeated
    spaces, characters without a shape, and the Unicode normalisation form. Marks that make another letter stay: ガ is
    not カ, and й is not и. Optional vowel signs of Arabic and Hebrew go, and so do the dots of ё.
    """
    text = name.translate(_PLAIN_PUNCTUATION)
    if not text.isascii():
        text = _without_optional_marks(unicodedata.normalize("NFKD", text).casefold())
    text = " ".join(text.casefold().split())
    # A name of nothing but marks stays as it is.
    return text.removeprefix("the ").removesuffix(", the") or text or name


def _without_optional_marks(text: str) -> str:
    kept = []
    base = ""
    for c in text:
        if c.isascii() or unicodedata.category(c) not in {"Mn", "Cf", "Lm"}:
            base = c
        elif (
            unicodedata.category(c) == "Cf"
            or c in _ARABIC_VOWEL_SIGNS
            or c in _HEBREW_POINTS
            or (unicodedata.category(c) == "Mn" and (_has_optional_accents(base) or (base == "е" and c == _DIAERESIS)))
            or "\ufe00" <= c <= "\ufe0f"
        ):
            continue
        kept.append(c)
    return unicodedata.normalize("NFC", "".join(kept))


def _has_optional_accents(base: str) -> bool:
    # Latin letters, and Greek ones. Letters such as ø are letters of their own and no base with a mark.
    return "a" <= base <= "z" or "\u00df" <= base <= "\u024f" or "\u0370" <= base <= "\u03ff"


def is_various_artists(name: str) -> bool:
    """Return whether a name says that an album is by several artists."""
    return normalised_name(name) in _VARIOUS_ARTISTS_SPELLINGS


def split_guests(credit: str) -> list[str]:
    """Return a credit split at the joins that are sure: ["A & B", "C"] for "A & B (feat. C)"."""
    parts = _SURE_JOIN.split(credit)
    if len(parts) == 1 or not parts[0].strip():
        return [credit]
    # A bracket before "feat." has its counterpart behind the guests.
    return [parts[0].strip(), *(_without_unpaired_bracket(part).strip() for part in parts[1:] if part.strip())]


def _without_unpaired_bracket(text: str) -> str:
    for opening, closing in ("()", "[]"):
        if text.count(closing) > text.count(opening):
            text = text.replace(closing, "", 1)
    return text


def split_joined(name: str) -> list[tuple[str, str]]:
    """Return the segments of a name that may be several names, each with the join before it ("" for the first).

    A name that is surely one has one segment.
    """
    name = _without_unpaired_bracket(name)
    if name.isalnum() or normalised_name(name) in _NEVER_SPLIT:
        return [(name, "")]
    segments: list[tuple[str, str]] = []
    position, join = 0, ""
    for match in _UNSURE_JOIN.finditer(name):
        segment = name[position : match.start()].strip()
        if segment:
            segments.append((segment, join))
            join = (match[1] or match[2] or match[3] or match[4]).casefold()
        position = match.end()
    rest = name[position:].strip()
    if rest:
        segments.append((rest, join))
    return segments if len(segments) > 1 else [(name, "")]
