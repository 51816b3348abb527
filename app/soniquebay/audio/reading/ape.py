"""APEv2 tags, also those at the end of MP3 and AAC (wiki.hydrogenaud.io, "APEv2 specification", "APE Tag Item").

mutagen reads a key byte by byte, in the square of its length, and as many items as there are.
"""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from soniquebay.audio.reading.raw import RawTags

MAX_ITEMS = 4_096
MAX_TAG_BYTES = 1 << 26

_FOOTER_BYTES = 32
_HAS_HEADER = 1 << 31
_ITEM_HEADER_BYTES = 8
_MIN_KEY_BYTES, _MAX_KEY_BYTES = 2, 255
_FORBIDDEN_KEYS = {"id3", "tag", "oggs", "mp+"}
_TEXT, _BINARY = 0, 1  # in bits 1 and 2 of the flags
_MAX_TEXT_BYTES = 1 << 20
_MAX_VALUES = 1_024  # of one item
_FRONT_COVER = 3
_ID3V1_BYTES = 128
_LYRICS3_END, _LYRICS3_SIZE_DIGITS = b"LYRICS200", 6
TAIL_BYTES = _FOOTER_BYTES + _ID3V1_BYTES  # what has to be known of a file's end to tell whether it may have such a tag

_Item = tuple[str, int, bytes]  # key, kind, value


def may_have_ape(tail: bytes) -> bool:
    """Return whether the last `TAIL_BYTES` of a file show an APEv2 tag, or a Lyrics3 tag, before which one may be."""
    before_id3v1 = tail[-TAIL_BYTES:-_ID3V1_BYTES]
    footers = (tail[-_FOOTER_BYTES:], before_id3v1)
    return any(footer.startswith(b"APETAGEX") for footer in footers) or before_id3v1.endswith(_LYRICS3_END)


def ape_bytes(tail: bytes) -> int:
    """Return the size in bytes of the APEv2 tag that the last `TAIL_BYTES` of a file show; 0 if they show none."""
    for footer in (tail[-_FOOTER_BYTES:], tail[-TAIL_BYTES:-_ID3V1_BYTES]):
        if footer.startswith(b"APETAGEX") and len(footer) == _FOOTER_BYTES:
            size, _, flags = struct.unpack_from("<III", footer, 12)
            return int(size) + (_FOOTER_BYTES if flags & _HAS_HEADER else 0)
    return 0


def read_ape(file: BinaryIO) -> tuple[RawTags | None, bool]:
    """Return the APEv2 tag at the end of a file, and whether it has a picture; None if there is none to be read."""
    items = _items(file.fileno())
    if items is None:
        return None, False
    tags: dict[str, list[str]] = {}
    has_picture = False
    for key, kind, value in items:
        if kind == _BINARY:
            has_picture = has_picture or key.startswith("cover art")
        elif kind == _TEXT and len(value) <= _MAX_TEXT_BYTES:
            tags[key] = value.decode("utf-8", "replace").split("\0", _MAX_VALUES)[:_MAX_VALUES]
    return RawTags("ape", tags), has_picture


def ape_pictures(file: BinaryIO) -> list[tuple[int, bytes]]:
    """Return type (as in ID3) and data of the pictures in a file's APEv2 tag. An item is a name, NUL and the data."""
    found = []
    for key, kind, value in _items(file.fileno()) or ():
        if kind == _BINARY and key.startswith("cover art"):
            found.append((_FRONT_COVER if "front" in key else 0, value.partition(b"\0")[2] or value))
    return found


def _items(descriptor: int) -> list[_Item] | None:
    """Return the items of the tag, each with its key in lower case once; None if there is no tag that can be read."""
    footer = _footer(descriptor)
    if footer is None:
        return None
    offset, size, count = footer
    start = max(0, offset + _FOOTER_BYTES - size)
    data = os.pread(descriptor, min(offset - start, MAX_TAG_BYTES), start) if offset > start else b""
    items: dict[str, _Item] = {}
    for item in _parsed(data, min(count, MAX_ITEMS)):
        items[item[0]] = item
    return list(items.values()) or None


def _footer(descriptor: int) -> tuple[int, int, int] | None:
    """Return where the footer begins, the size of items and footer in bytes, and how many items there are."""
    file_bytes = os.fstat(descriptor).st_size
    for offset in _places(descriptor, file_bytes):
        footer = os.pread(descriptor, _FOOTER_BYTES, offset) if offset >= 0 else b""
        if footer.startswith(b"APETAGEX") and len(footer) == _FOOTER_BYTES:
            size, count = struct.unpack_from("<II", footer, 12)
            return offset, size, count
    return None


def _places(descriptor: int, file_bytes: int) -> Iterator[int]:
    """Yield where a footer may begin: at the end, before ID3v1, and before Lyrics3v2 before that."""
    yield file_bytes - _FOOTER_BYTES
    end = file_bytes - _ID3V1_BYTES
    yield end - _FOOTER_BYTES
    lyrics = os.pread(descriptor, _LYRICS3_SIZE_DIGITS + len(_LYRICS3_END), max(0, end - 15)) if end >= 15 else b""
    digits = lyrics[:_LYRICS3_SIZE_DIGITS]
    if lyrics.endswith(_LYRICS3_END) and digits.isdigit():
        yield end - len(lyrics) - int(digits) - _FOOTER_BYTES


def _parsed(data: bytes, count: int) -> Iterator[_Item]:
    """Yield the items up to the first that is damaged."""
    position = 0
    for _ in range(count):
        key_start = position + _ITEM_HEADER_BYTES
        key_end = data.find(b"\0", key_start, key_start + _MAX_KEY_BYTES + 1)
        if key_end < 0:
            return
        size, flags = struct.unpack_from("<II", data, position)
        position = key_end + 1 + size
        if position > len(data):
            return
        key = data[key_start:key_end].decode("latin-1").lower()
        if len(key) >= _MIN_KEY_BYTES and key.isascii() and key.isprintable() and key not in _FORBIDDEN_KEYS:
            yield key, flags >> 1 & 3, data[key_end + 1 : position]
