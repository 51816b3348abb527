"""The frames of an ID3v2 tag, each parsed by mutagen.

mutagen's own loop takes time in the square of what a tag holds: of its frames, of the texts in one, of the pictures
with one description. It unpacks a compressed frame to any size, too. This one reads a tag as far as the limits below,
which are far above what taggers write. Sources: id3.org, "ID3v2.3.0" and "ID3v2.4.0 structure".
"""

import zlib
from collections.abc import Iterator
from struct import Struct
from typing import Any, BinaryIO

from mutagen import id3 as frames_of
from mutagen.id3 import BitPaddedInt, ID3EncryptionUnsupportedError, ID3JunkFrameError
from mutagen.id3._tags import ID3Header
from mutagen.id3._util import unsynch

MAX_FRAMES = 1_000  # of a tag, empty and unknown ones too
MAX_TEXT_BYTES = 1 << 19  # of all frames of a tag that are no pictures
MAX_TEXTS = 4_096  # of a tag: values, descriptions, names
MAX_PICTURES = 64
MAX_TAG_BYTES = 1 << 26  # what lies behind in a larger tag is not read

_MAX_PICTURE_BYTES = 1 << 25  # of a compressed one
_MAX_SYLT_BYTES = 1 << 17  # mutagen takes time in the square of its syllables
_HEADER_BYTES, _OLD_HEADER_BYTES = 10, 6
_PADDING = bytes(_HEADER_BYTES)
_LATIN1, _UTF16, _UTF16_BE, _UTF8 = range(4)
_TEXT_START = {"COMM": 4, "COM": 4, "USLT": 4, "ULT": 4}  # behind the encoding and a language; else behind the encoding

# mutagen parses a date into numbers and forgets what it does not understand ("Summer 1999"). Read as text, a date stays
# as it is written. XSOP and the like are frames of ID3v2.4 that taggers also write to ID3v2.3.
TEXT_FRAME: Any = frames_of.TextFrame
_DATES = ("TDRC", "TDRL", "TDOR", "TDEN", "TDTG", "XDOR", "XSOA", "XSOP", "XSOT")
_OTHERS = {"COMM", "IPLS", "TIPL", "TMCL", "USLT", "SYLT", "UFID", "POPM", "PCNT", "RVA2", "APIC"}


def _as_text(name: str) -> Any:
    return type(name, (TEXT_FRAME,), {})


def _is_read(kind: Any) -> bool:
    """Tell whether a frame holds a tag of music or a picture: chapters, for one, hold frames of their own."""
    name = kind.__name__ if len(kind.__name__) > 3 else kind.__base__.__name__  # ID3v2.2
    return name in _OTHERS or issubclass(kind, TEXT_FRAME)


_ALL: dict[str, Any] = {**frames_of.Frames_2_2, **frames_of.Frames, **{name: _as_text(name) for name in _DATES}}
_READ = {name: kind for name, kind in _ALL.items() if _is_read(kind)}
_NAMES = frozenset(name.encode() for name in _ALL)

_header = Struct(">4sIH").unpack_from


def read_frames(file: BinaryIO) -> list[Any]:
    """Return the frames of the tag at the position of a file, in its order, the names those of ID3v2.3 and 2.4.

    Of the frames that stand for one thing, texts are joined; of others the last one counts.
    Raises `mutagen.MutagenError` if there is no tag that can be read.
    """
    header: Any = ID3Header(file)
    data = file.read(min(header.size - _HEADER_BYTES, MAX_TAG_BYTES))
    is_unsynchronised = header.f_unsynch
    header._flags &= 0x7F  # from here on the data are as they were before
    if is_unsynchronised and header.version < ID3Header._V24:
        data = _synchronised(data)
        is_unsynchronised = False
    reader = _Reader(header, is_unsynchronised=is_unsynchronised)
    old = header.version < ID3Header._V23
    for name, flags, content in _old_frames(data) if old else _frames(data, header.version):
        reader.add(name, flags, content)
    return reader.frames()


def _frames(data: bytes, version: tuple[int, int, int]) -> Iterator[tuple[str, int, bytes]]:
    """Yield name, flags and data of each frame of ID3v2.3 or 2.4."""
    is_synchsafe = version >= ID3Header._V24 and not _has_plain_sizes(data)
    position = 0
    for _ in range(MAX_FRAMES):
        if position + _HEADER_BYTES > len(data):
            return
        name, size, flags = _header(data, position)
        if not name.strip(b"\0"):
            return
        start = position + _HEADER_BYTES
        position = start + (BitPaddedInt(size) if is_synchsafe else size)
        # Some programs write the names of ID3v2.2 to ID3v2.3.
        yield name.rstrip(b"\0").decode("latin-1"), flags, data[start:position]


def _old_frames(data: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Yield the same of ID3v2.2."""
    position = 0
    for _ in range(MAX_FRAMES):
        name, start = data[position : position + 3], position + _OLD_HEADER_BYTES
        if start > len(data) or not name.strip(b"\0"):
            return
        position = start + int.from_bytes(data[position + 3 : start], "big")
        yield name.decode("latin-1"), 0, data[start:position]


def _has_plain_sizes(data: bytes) -> bool:
    """Tell whether the sizes of an ID3v2.4 tag have eight bits in each byte, as older iTunes wrote them."""
    (synchsafe, synchsafe_rest), (plain, plain_rest) = (_walk(data, is_synchsafe=kind) for kind in (True, False))
    return plain > synchsafe or (plain == synchsafe and synchsafe_rest >= 1 and plain_rest <= 1)


def _walk(data: bytes, *, is_synchsafe: bool) -> tuple[int, int]:
    """Return how many known frames follow one another, and how far behind the tag their sizes lead."""
    position = known = 0
    for _ in range(MAX_FRAMES):
        if position >= len(data) - _HEADER_BYTES:
            break
        name, size, _ = _header(data, position)
        if data[position : position + _HEADER_BYTES] == _PADDING:
            return known, -((len(data) - position) % _HEADER_BYTES)
        position += _HEADER_BYTES + (BitPaddedInt(size) if is_synchsafe else size)
        known += name in _NAMES
    return known, position - len(data)


class _Reader:
    """Takes in frames as far as the limits."""

    def __init__(self, header: Any, *, is_unsynchronised: bool) -> None:
        self._header = header
        self._is_unsynchronised = is_unsynchronised
        self._text_bytes = MAX_TEXT_BYTES
        self._texts = MAX_TEXTS
        self._pictures: list[Any] = []
        self._others: dict[str, Any] = {}

    def frames(self) -> list[Any]:
        """Return what was taken in."""
        return [*self._others.values(), *self._pictures]

    def add(self, name: str, flags: int, data: bytes) -> None:
        """Take in a frame. One that cannot be read is left out."""
        kind = _READ.get(name)
        if kind is None or not data:
            return
        is_picture = issubclass(kind, frames_of.APIC)
        try:
            limit = _MAX_PICTURE_BYTES if is_picture else self._text_bytes
            plain = self._unpacked(flags, data, limit)
            if plain is None or (is_picture and len(self._pictures) == MAX_PICTURES):
                return
            if not is_picture:
                plain = self._limited(name, plain)
            frame = kind()
            frame._readData(self._header, plain)
        except (ID3JunkFrameError, ID3EncryptionUnsupportedError, zlib.error):
            return
        if is_picture:
            self._pictures.append(frame._upgrade_frame())
        else:
            self._join(frame._upgrade_frame())

    def _unpacked(self, flags: int, data: bytes, limit: int) -> bytes | None:
        """Return the data of a frame as they were written; None if they are encrypted, or larger than the limit."""
        frame = frames_of.Frame
        if self._header.version >= ID3Header._V24:
            is_compressed, is_encrypted = flags & frame.FLAG24_COMPRESS, flags & frame.FLAG24_ENCRYPT
            stated_size = b""
            if flags & (frame.FLAG24_COMPRESS | frame.FLAG24_DATALEN):
                stated_size, data = data[:4], data[4:]
            if flags & frame.FLAG24_UNSYNCH or self._is_unsynchronised:
                data = _synchronised(data)
        else:
            is_compressed, is_encrypted = flags & frame.FLAG23_COMPRESS, flags & frame.FLAG23_ENCRYPT
            stated_size, data = (data[:4], data[4:]) if is_compressed else (b"", data)
        if is_encrypted:
            return None
        if not is_compressed:
            return data
        try:
            return _inflated(data, limit)
        except zlib.error:
            return _inflated(stated_size + data, limit)  # some programs leave the size out

    def _limited(self, name: str, data: bytes) -> bytes:
        """Return as much of a frame as may still be read of a tag."""
        if len(data) > self._text_bytes or (name in {"SYLT", "SLT"} and len(data) > _MAX_SYLT_BYTES):
            raise ID3JunkFrameError
        self._text_bytes -= len(data)
        start = _TEXT_START.get(name, 1)
        end, texts = _end_of_texts(data, start, self._texts)
        if name not in {"SYLT", "SLT"}:
            self._texts -= texts
            return data[:end]
        return data

    def _join(self, frame: Any) -> None:
        known = self._others.get(frame.HashKey)
        if known is None or not isinstance(frame, TEXT_FRAME):
            self._others[frame.HashKey] = frame
            return
        known.text = list(dict.fromkeys([*known.text, *frame.text]))
        known.encoding = max(known.encoding, frame.encoding)


def _synchronised(data: bytes) -> bytes:
    """Undo unsynchronisation; data that were never unsynchronised, against what their header says, stay."""
    try:
        return bytes(unsynch.decode(data))
    except ValueError:
        return data


def _inflated(data: bytes, limit: int) -> bytes | None:
    decompressor = zlib.decompressobj()
    inflated = decompressor.decompress(data, limit)
    return None if decompressor.unconsumed_tail else inflated


def _end_of_texts(data: bytes, start: int, most: int) -> tuple[int, int]:
    """Return where the last of at most so many texts ends, with its NUL, and how many there are."""
    is_wide = data[0] in {_UTF16, _UTF16_BE}
    terminator = b"\0\0" if is_wide else b"\0"
    position = start
    for count in range(most):
        found = data.find(terminator, position)
        while is_wide and found >= 0 and (found - start) % 2:
            found = data.find(terminator, found + 1)
        if found < 0:
            return len(data), count + 1
        position = found + len(terminator)
    return position, most
