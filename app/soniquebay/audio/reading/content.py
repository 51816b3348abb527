"""What a file says, under canonical names: near to what is written, without any interpretation."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter

from soniquebay.audio.reading import values as forms
from soniquebay.audio.reading.names import AFTER, CANONICAL, canonical_name
from soniquebay.audio.reading.raw import RawContent, RawTags, Sound, TagSystem
from soniquebay.audio.reading.text import are_doubtful, clean, decode_unmarked

MAX_VALUE_CHARACTERS = 1_000  # some files hold whole pages in one tag
MAX_LONG_VALUE_CHARACTERS = 100_000
MAX_VALUES = 64  # of one name

_LONG = frozenset({"lyrics", "synced_lyrics", "comment", "cuesheet"})  # these keep their lines, too
_SINGLE = frozenset({"rating", "play_count", "loved", "compilation"})
_LOVED = "L"  # "B" is hated, and "0" or "U" neither
_LYRICS, _SYNCED_LYRICS = "lyrics", "synced_lyrics"
_SOUND_FIELDS = tuple(entry.name for entry in fields(Sound))
_sound_values = attrgetter(*_SOUND_FIELDS)

_Form = Callable[[str], Iterable[str]]
_Entry = tuple[str, int, Iterable[str]]  # canonical name, rank, values
_Found = dict[str, tuple[int, list[str]]]  # canonical name: rank and values


@dataclass(slots=True)
class FileContent:
    """The tags of a file by canonical name (`names`), each with at least one value, and the properties of its sound."""

    tags: dict[str, list[str]]
    sound: Sound
    has_picture: bool = False
    doubtful_text: bool = False  # some text is in a code page that the file does not state

    def as_dict(self) -> dict[str, object]:
        """Return the content in a compact form for JSON: a single value as a string, and nothing that is not known."""
        tags = compact_tags(self.tags)
        stated = zip(_SOUND_FIELDS, _sound_values(self.sound), strict=True)
        sound = {name: value for name, value in stated if value is not None}
        content: dict[str, object] = {"tags": tags, "sound": sound}
        if self.has_picture:
            content["has_picture"] = True
        if self.doubtful_text:
            content["doubtful_text"] = True
        return content


def compact_tags(tags: Mapping[str, list[str]]) -> dict[str, str | list[str]]:
    """Return tags for JSON: a single value as a string."""
    return {name: values[0] if len(values) == 1 else values for name, values in tags.items()}


def content_of(raw: RawContent, tag_encoding: str = "") -> FileContent:
    """Return what a reader found under canonical names.

    `tag_encoding` is the code page of text that is marked as ISO-8859-1, or not marked at all; empty if none is known.
    """
    unsure: list[bytes] = []
    tags = _canonical(raw, tag_encoding, unsure)
    for source in raw.fallbacks:
        for name, values in _canonical(source, tag_encoding, unsure).items():
            tags.setdefault(name, values)
    return FileContent(tags, raw.sound, raw.has_picture, bool(unsure) and are_doubtful(unsure))


def _canonical(source: RawContent | RawTags, tag_encoding: str, unsure: list[bytes]) -> dict[str, list[str]]:
    """Return the values of one tag system by canonical name; add the texts whose code page is not sure to `unsure`."""
    system, latin1 = source.system, source.latin1
    plan = _PLANS[system]
    found: _Found = {}
    for key, values in source.tags.items():
        written = _decoded(values, tag_encoding, unsure) if key in latin1 else values
        known = plan.get(key.lower())
        if known is not None:
            name, rank, form = known
            if name not in found and form is None and len(written) == 1 and _is_plain(written[0]):
                found[name] = (rank, written)  # most tags, so this is for speed alone
            elif name not in found or rank < found[name][0]:
                _keep(found, name, rank, written if form is None else _formed(form, written))
        else:
            for entry in _special(system, key, written):
                _keep(found, *entry)
    tags = {name: kept for name, (_, kept) in found.items()}
    if system == "id3" and "GRP1" in source.tags and "TIT1" in source.tags and "work" not in tags:
        # iTunes has the work in TIT1 since it has the grouping in GRP1.
        tags["work"] = [clean(text, MAX_VALUE_CHARACTERS) for text in source.tags["TIT1"]]
    return _with_synced_lyrics(tags) if _LYRICS in tags else tags


def _is_plain(text: str) -> bool:
    """Tell whether `_keep` would keep a text as it is."""
    return text.isprintable() and len(text) <= MAX_VALUE_CHARACTERS and text.strip() == text != ""


def _decoded(values: Iterable[str], tag_encoding: str, unsure: list[bytes]) -> list[str]:
    decoded = [decode_unmarked(value, tag_encoding) for value in values]
    unsure += [data for _, data in decoded if data]
    return [text for text, _ in decoded]


def _keep(found: _Found, name: str, rank: int, written: Iterable[str]) -> None:
    """Note the values of a tag unless there is a better one; those of equal rank are kept in the order of the file."""
    lines = name in _LONG
    limit = MAX_LONG_VALUE_CHARACTERS if lines else MAX_VALUE_CHARACTERS
    values = [value for text in written if (value := clean(text, limit, lines=lines))]
    if not values:
        return
    before = found.get(name)
    if before is None or rank < before[0]:
        found[name] = (rank, values[: 1 if name in _SINGLE else MAX_VALUES])
    elif rank == before[0] and name not in _SINGLE:
        found[name] = (rank, (before[1] + values)[:MAX_VALUES])


def _formed(form: _Form, written: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(value for text in written for value in form(text.strip()))


def _special(system: TagSystem, key: str, written: list[str]) -> Iterator[_Entry]:
    """Yield what a tag holds whose key is more than a name."""
    kind, _, detail = key.partition(":")
    if system == "id3":
        if kind in {"TIPL", "TMCL", "IPLS"}:
            # TMCL has instruments alone. A role that has a frame of its own, as the composer has, comes after it.
            for name, person in forms.people(written):
                yield name, AFTER, (person,)
            return
        if kind == "POPM":
            for rating, count in map(forms.popm, written[:1]):
                yield "rating", 0, () if rating is None else (rating,)
                yield "play_count", AFTER, () if count is None else (count,)
            return
        if kind == "RVA2" and detail.lower() in {"track", "album"}:
            gain, _, peak = written[0].partition("/") if written else ("", "", "")
            yield f"replaygain_{detail.lower()}_gain", 2 * AFTER, (gain,)
            yield f"replaygain_{detail.lower()}_peak", 2 * AFTER, (peak,)
            return
    name_and_rank = canonical_name(system, key)
    if name_and_rank is None:
        return
    name, rank = name_and_rank
    if name == "performer" and (instrument := key.lower().rpartition("performer:")[2]) != key.lower():
        yield name, rank, [forms.performer(text.strip(), instrument) for text in written if text.strip()]
    elif name == "rating":
        yield name, rank, _formed(_share_rating, written)
    else:
        form = _FORMS.get(name)
        yield name, rank, written if form is None else _formed(form, written)


def _with_synced_lyrics(tags: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the tags with lyrics that have time stamps under their own name, and none of them twice."""
    lyrics = list(dict.fromkeys(tags.pop(_LYRICS)))
    plain = [text for text in lyrics if not forms.has_time_stamps(text)]
    if plain:
        tags[_LYRICS] = plain
    if len(plain) < len(lyrics):
        tags.setdefault(_SYNCED_LYRICS, [text for text in lyrics if text not in plain])
    return tags


def _at_most_one(function: Callable[[str], str | None]) -> _Form:
    def form(text: str) -> tuple[str, ...]:
        value = function(text)
        return () if value is None else (value,)

    return form


_share_rating = _at_most_one(lambda text: forms.rating(text, of_one=True))

_FORMS: dict[str, _Form] = {
    "genre": forms.genres,
    "compilation": lambda text: ("1",) if forms.is_true(text) else (),
    "rating": _at_most_one(forms.rating),
    "play_count": _at_most_one(forms.play_count),
    "loved": lambda text: ("1",) if text.upper() == _LOVED else (),
    "bpm": lambda text: () if text in {"0", "0.0"} else (text,),  # "unknown" to iTunes and others
}
# Where the form depends on the tag system's name.
_FORMS_OF_KEYS: dict[str, _Form] = {
    "trkn": lambda text: (forms.part_and_total(text),),
    "disk": lambda text: (forms.part_and_total(text),),
    "wm/shareduserrating": _at_most_one(forms.windows_media_rating),
    "fmps_rating": _share_rating,
    "txxx:fmps_rating": _share_rating,
    "----:fmps_rating": _share_rating,
    "fmps_playcount": _at_most_one(forms.play_count),
}
_PLANS: dict[TagSystem, dict[str, tuple[str, int, _Form | None]]] = {
    system: {key: (name, rank, _FORMS_OF_KEYS.get(key) or _FORMS.get(name)) for key, (name, rank) in table.items()}
    for system, table in CANONICAL.items()
}
