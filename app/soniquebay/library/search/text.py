"""From a text to the tokens of the search index, and from what a person types to the tokens that are looked for.

Both ways fold alike, so a name is found however it is spelt. A token is a word, two adjacent characters of a script
that writes no spaces (a bigram) or one of them, a run of signs, or a whole field. A tokenizer that splits at spaces and
knows nothing of Unicode keeps these tokens as they are.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

TOKENS_VERSION = 1  # the index of another version is made anew
WHOLE_FIELD_MARK = "ª"  # begins the token of a whole field; folding leaves no such character
MAX_WHOLE_CHARACTERS = 64
_MAX_CACHED_CHARACTERS = 8192  # of the tables below, which a hostile text could otherwise fill with all of Unicode

# Letters that have no accent to lose in Unicode, and letters that are one in another spelling.
_LETTERS = str.maketrans(
    {
        "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i", "ŋ": "n",
        "ŧ": "t", "ƒ": "f", "ĸ": "k", "ё": "е",
        # Arabic and Persian letters that people type for one another.
        "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه",
    }
)  # fmt: skip
# Signs that Unicode's compatibility forms would turn into a space and a mark, and others that look like an ASCII sign.
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("´`¨¯¸˘˙˚˛˜˝ʹʺʻʼʽʾʿˈ‘’‚‛“”„‟′″‵ʹ", "'"),
        **dict.fromkeys("‐‑‒–—―−﹘⁃", "-"),
        **dict.fromkeys("∕⁄⧸", "/"),
        **dict.fromkeys("∙⋅・·•", "·"),
        **dict.fromkeys("™®©℠", " "),
        "\u200c": "'",  # joins like an apostrophe: some type a space in its place, some nothing
        "\u200b": " ",
    }
)
_SIGN = re.compile(f"[{''.join(map(chr, _SIGNS))}]")
_MARKS_TO_DROP = (
    (0x0300, 0x036F), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06ED),
    (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F), (0x1F3FB, 0x1F3FF),
    (0xE0100, 0xE01EF), (0x0640, 0x0640),
)  # fmt: skip
# Scripts without spaces between words, and Hangul, whose words carry endings.
_UNSPACED = (
    (0x0E01, 0x0EFF), (0x1000, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3041, 0x30FF),
    (0x3100, 0x318F), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)  # fmt: skip
_UNSPACED_CHARACTER = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in _UNSPACED)}]")
_LOOKALIKES = {"$": "s", "@": "a", "€": "e", "¥": "y", "†": "t", "!": "i"}
_LOOKALIKE = re.compile(r"[$@€¥†]|!(?=\w)")
_WEAK_SYMBOLS = "+|~<>·"  # they separate names more often than they are one
_SEPARATORS = frozenset("-&+/|:~·*")
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}  # an ASCII sign would separate tokens
_PLAIN = re.compile(r"[a-z0-9]{2,}(?: [a-z0-9]{2,})*")
_ASCII_WORDS = re.compile(r"[a-z0-9]+")
_INITIALS = re.compile(r"\b\w(?: \w\b)+")
# In the shapes of a text, see `_Shapes`.
_LETTER_RUNS = re.compile("[ac]+")
_SAME_SCRIPT_RUNS = re.compile("a+|c+")


class _Folding(dict[int, int | str]):
    """What folding makes of a character, for ``str.translate``."""

    def __missing__(self, code: int) -> int | str:
        folded = _fold_character(chr(code))
        if len(self) < _MAX_CACHED_CHARACTERS:
            self[code] = folded
        return folded


def _fold_character(character: str) -> str:
    code = ord(character)
    if code in _LETTERS or code in _SIGNS:
        return character.translate(_SIGNS).translate(_LETTERS)
    category = unicodedata.category(character)
    if category in {"Cf", "Cs", "Cc"} or _is_in(code, _MARKS_TO_DROP):
        return " " if category == "Cc" else ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if 0x30A1 <= code <= 0x30F6:  # katakana are found by hiragana
        return chr(code - 0x60)
    base = unicodedata.normalize("NFD", character)[0]
    if base != character and unicodedata.name(base, "").startswith(("LATIN", "GREEK")):
        return base.translate(_LETTERS)
    return character


class _Shapes(dict[int, int | str]):
    """The kind of a character: ``a`` in a word, ``c`` of an unspaced script, ``*`` a symbol, ``!`` another sign."""

    def __missing__(self, code: int) -> int | str:
        shape = _shape(chr(code))
        if len(self) < _MAX_CACHED_CHARACTERS:
            self[code] = shape
        return shape


def _shape(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LMN":
        return "c" if _is_in(ord(character), _UNSPACED) else "a"
    if character.isspace():
        return " "
    return "*" if category in {"So", "Sm"} and character not in _WEAK_SYMBOLS else "!"


def _is_in(code: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= code <= last for first, last in ranges)


_FOLDING, _SHAPES = _Folding(), _Shapes()


def fold(text: str) -> str:
    """Return the form of a text in which its spellings are equal.

    Case, compatibility forms (full width, ligatures), accents of Latin and Greek letters, points of Arabic and Hebrew,
    typographic signs, digits of any script, and hiragana or katakana make no difference. A mark that makes another
    letter in its script stays: й, dakuten, Indic vowel signs, Thai marks.
    """
    if text.isascii():
        return text.lower() if text.isprintable() else text.lower().translate(_FOLDING)
    if _SIGN.search(text):  # to look for one is quicker than to translate a text without any
        text = text.translate(_SIGNS)
    return unicodedata.normalize("NFKC", text).casefold().translate(_FOLDING)


def name_tokens(name: str) -> list[str]:
    """Return the tokens of a field that is a name: those of its words, and those of the whole field.

    A few may be there twice.
    """
    folded = fold(name)
    if _PLAIN.fullmatch(folded) and not folded.startswith("the "):  # most names, so this is for speed alone
        words = folded.split(" ")
        words.append((WHOLE_FIELD_MARK + "".join(words))[: MAX_WHOLE_CHARACTERS + 1])
        return words
    return [*_tokens(folded), *_whole_field_tokens(folded)]


def tokens(text: str) -> list[str]:
    """Return the tokens of the words of a text; a few may be there twice."""
    return _tokens(fold(text))


def path_tokens(path: str) -> list[str]:
    """Return the tokens of the words of a path: those of a text, without joined forms and signs."""
    folded = fold(path)
    if folded.isascii():
        return _ASCII_WORDS.findall(folded)
    found: list[str] = []
    for chunk in folded.split():
        shape = chunk.translate(_SHAPES)
        for match in _LETTER_RUNS.finditer(shape):
            found += _chunk_tokens(chunk[match.start() : match.end()], match[0])
    return found


def whole_field_tokens(text: str) -> list[str]:
    """Return the tokens of a whole field: all of its letters without spaces and signs, if it has any.

    There is more than one if a sign stands for a letter, or if the name has the article "The".
    """
    return _whole_field_tokens(fold(text))


def _tokens(folded: str) -> list[str]:
    chunks = folded.split()
    found: list[str] = []
    signs: list[str] = []
    before = last = ""
    for chunk in chunks:
        if chunk.isalnum() and (chunk.isascii() or not _UNSPACED_CHARACTER.search(chunk)):
            found.append(chunk)
            before = ""
            continue
        shape = chunk.translate(_SHAPES)
        if "a" in shape or "c" in shape:
            found += _chunk_tokens(chunk, shape)
            if before[-1:] == shape[0] == "c":  # 椎名 林檎 is found as 椎名林檎
                found.append(last + chunk[0])
        else:
            signs.append(chunk)
        before, last = shape, chunk[-1]
    if not found:
        return [token for chunk in signs for token in _sign_tokens(chunk)]
    if "&" in folded or "+" in signs:
        found.append("and")
    found += [token for chunk in signs if chunk not in _SEPARATORS for token in _sign_tokens(chunk)]
    return found + _joined_initials(folded)


def _whole_field_tokens(folded: str) -> list[str]:
    letters = _letters(folded)
    if not letters:
        signs = "".join(folded.split()).translate(_FULL_WIDTH)
        return [WHOLE_FIELD_MARK + signs[:MAX_WHOLE_CHARACTERS]] if signs else []
    names = [letters]
    if _LOOKALIKE.search(folded):
        names.append(_letters(_with_lookalikes(folded)))
    without_article = folded.removeprefix("the ").removesuffix(", the")
    if without_article != folded:
        names.append(_letters(without_article))
    return list(dict.fromkeys(WHOLE_FIELD_MARK + name[:MAX_WHOLE_CHARACTERS] for name in names if name))


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a question: one of the alternatives must be found, each with all of its tokens."""

    alternatives: tuple[tuple[str, ...], ...]
    spelling: str = ""  # the word, where it may be looked for with typing errors


def parse_question(text: str) -> list[Word]:
    """Return the words of what a person typed."""
    chunks = fold(text).split()
    has_letters = any(_has_letters(chunk) for chunk in chunks)
    words: list[Word] = []
    for chunk in chunks:
        shape = chunk.translate(_SHAPES)
        if "c" in shape:
            words.append(_unspaced_word(chunk, shape))
        elif "a" in shape:
            parts = tuple(_parts(chunk, shape))
            joined, alike = "".join(parts), _letters(_with_lookalikes(chunk))
            alternatives = [parts, (joined,), (alike,)]
            words.append(Word(tuple(dict.fromkeys(alternatives)), alike))
        elif not has_letters or "*" in shape:
            words.append(Word(((chunk.translate(_FULL_WIDTH),),)))
    return words


def _unspaced_word(chunk: str, shape: str) -> Word:
    letters = "".join(_parts(chunk, shape))
    runs: list[str] = []
    for match in _SAME_SCRIPT_RUNS.finditer(shape):
        run = chunk[match.start() : match.end()]
        runs += _bigrams(run) or [run] if match[0][0] == "c" else [run]
    return Word(tuple(dict.fromkeys([tuple(_bigrams(letters) or [letters]), tuple(runs)])))


def _chunk_tokens(chunk: str, shape: str) -> list[str]:
    """Return the tokens of a piece without spaces that has letters."""
    parts = _parts(chunk, shape)
    if "c" in shape:
        joined = "".join(parts)
        words = [chunk[m.start() : m.end()] for m in _SAME_SCRIPT_RUNS.finditer(shape) if m[0][0] == "a"]
        found = [*words, *joined, *_bigrams(joined)]
    else:
        found = parts
        if len(parts) > 1:
            found.append("".join(parts))
        if _LOOKALIKE.search(chunk):
            found.append(_letters(_with_lookalikes(chunk)))
    if "*" in shape:
        symbols = (character for character, kind in zip(chunk, shape, strict=True) if kind == "*")
        found += [symbol.translate(_FULL_WIDTH) for symbol in symbols]
    return found


def _sign_tokens(chunk: str) -> list[str]:
    encoded = chunk.translate(_FULL_WIDTH)
    return [encoded, *encoded]


def _parts(chunk: str, shape: str) -> list[str]:
    return [chunk[match.start() : match.end()] for match in _LETTER_RUNS.finditer(shape)]


def _letters(folded: str) -> str:
    if folded.isascii():
        return "".join(_ASCII_WORDS.findall(folded))
    joined = folded.replace(" ", "")
    if joined.isalnum():
        return joined
    return "".join(_parts(folded, folded.translate(_SHAPES)))


def _has_letters(chunk: str) -> bool:
    return _LETTER_RUNS.search(chunk.translate(_SHAPES)) is not None


def _with_lookalikes(folded: str) -> str:
    return _LOOKALIKE.sub(lambda match: _LOOKALIKES[match[0]], folded)


def _joined_initials(folded: str) -> list[str]:
    """Return "rem" for "r. e. m." and "r e m": people write initials in either way."""
    return [match[0].replace(" ", "") for match in _INITIALS.finditer(folded.replace(".", ""))]


def _bigrams(letters: str) -> list[str]:
    return [letters[i : i + 2] for i in range(len(letters) - 1)]


def spellings(words: Iterable[str]) -> Iterator[str]:
    """Yield those tokens that are words a person may mistype: no numbers, signs, bigrams and whole fields."""
    for word in words:
        if word[0] != WHOLE_FIELD_MARK and len(word) > 2 and not word.isdecimal() and _SHAPES[ord(word[0])] == "a":
            yield word
