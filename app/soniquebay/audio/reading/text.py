"""The text of tags: what is taken out of it, and the code pages that files do not state."""

import re
from collections.abc import Sequence

# Category Cc, and surrogates, which are half a character.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_BUT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85]")
_SPACE = re.compile("[\t-\r\x1c-\x1f\x85]+")
_BYTE_ORDER_MARK = "\ufeff"

# Eight-bit text is doubtful from this many bytes above 0x7F in a row on: in the languages that ISO-8859-1 was made for,
# hardly a word has more than two or three accented letters side by side.
_DOUBTFUL_RUN_BYTES = 4
_DOUBTFUL_RUN_DIFFERENT_BYTES = 3  # "ÄÄÄÄÄ!" is a cry
_UMLAUTS = frozenset("ÄÖÜäöüßÅåÆæØøÕõ".encode("latin-1"))  # these do stand in a row: "äöüß"
_HIGH_RUN = re.compile(rb"[\x80-\xff]{%d,}" % _DOUBTFUL_RUN_BYTES)
_LETTER = re.compile(rb"[A-Za-z]")
_HIGH_LETTER = re.compile(rb"[\xc0-\xff]")
_DOUBTFUL_LETTERS = 5  # of a file's texts without any letter of ASCII, as "Мир"
_DOUBTFUL_DIFFERENT_LETTERS = 4
_ID3V1_FIELD_BYTES = 30
_ID3V1_ENDS = (29, 28, 27)  # a field is cut also in the middle of a character

_MIN_SHIFT_JIS_CHARACTERS = 2
_MIN_SHIFT_JIS_SHARE = 2 / 3


def clean(text: str, max_characters: int, *, lines: bool = False) -> str:
    """Return text without control characters, unpaired surrogates and white space at its ends; what breaks a line or
    moves to a tab stop becomes a space.

    With `lines` the text keeps its lines, which then end with "\\n", and its tabs.
    """
    if not text.isprintable():  # most texts are, and need no more than this look
        text = text.removeprefix(_BYTE_ORDER_MARK)
        if lines:
            text = _CONTROL_BUT_LINES.sub("", _LINE_END.sub("\n", text))
        else:
            text = _CONTROL.sub("", _SPACE.sub(" ", text))
    return text.strip()[:max_characters]


def decode_unmarked(text: str, encoding: str) -> tuple[str, bytes]:
    """Return text that a file marks as ISO-8859-1 in its real code page, and its bytes if the code page is not sure.

    `text` has one character for each byte. UTF-8 is recognised: by accident hardly any other text is valid UTF-8. Else
    `encoding` is taken where the text is valid in it. Else it is Windows-1252, of which ISO-8859-1 is a part, and the
    bytes are returned for `are_doubtful`. An empty `encoding` is none.
    """
    data = text.encode("latin-1", "replace")
    if data.isascii():
        return text, b""
    decoded = _decode(data, "utf-8") or (_decode(data, encoding) if encoding else None)
    if decoded is not None:
        return decoded, b""
    return data.decode("cp1252", "ignore"), data


def _decode(data: bytes, encoding: str) -> str | None:
    """Return text in an encoding, or None if it is not valid in it."""
    for end in (len(data), *_ID3V1_ENDS) if len(data) == _ID3V1_FIELD_BYTES else (len(data),):
        try:
            text = data[:end].decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if text.isascii() else text
    return None


def are_doubtful(texts: Sequence[bytes]) -> bool:
    """Tell whether some of a file's texts can hardly be in ISO-8859-1 or Windows-1252."""
    runs = (frozenset(run) for text in texts for run in _HIGH_RUN.findall(text))
    if any(len(run) >= _DOUBTFUL_RUN_DIFFERENT_BYTES and not run <= _UMLAUTS for run in runs):
        return True  # a word in Cyrillic or Greek letters, two characters in Chinese, Japanese or Korean
    letters = _HIGH_LETTER.findall(b" ".join(text for text in texts if not _LETTER.search(text)))
    if len(letters) >= _DOUBTFUL_LETTERS and len(set(letters)) >= _DOUBTFUL_DIFFERENT_LETTERS:
        return True
    return any(map(_is_shift_jis, texts))


def _is_shift_jis(data: bytes) -> bool:
    """Tell whether bytes are Japanese in Shift-JIS, whose second bytes may be letters of ASCII."""
    try:
        text = data.decode("cp932")
    except UnicodeDecodeError:
        return False
    characters = [c for c in text if not c.isspace()]
    japanese = sum("\u3040" <= c <= "\u30ff" or "\u4e00" <= c <= "\u9fff" for c in characters)
    # Two quotation marks of Windows-1252, each before a letter, are two valid characters, too.
    return japanese >= _MIN_SHIFT_JIS_CHARACTERS and japanese >= _MIN_SHIFT_JIS_SHARE * len(characters)
