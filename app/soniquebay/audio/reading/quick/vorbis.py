"""Vorbis comments (Ogg Vorbis I specification, section 5), as FLAC, Vorbis and Opus have them."""

from struct import Struct

from soniquebay.audio.reading.quick.source import NotPlainError
from soniquebay.audio.reading.vorbis_comments import MAX_COMMENTS

MAX_COMMENT_BYTES = 1 << 20  # of all comments of a file

_uint32 = Struct("<I").unpack_from
_PICTURES = frozenset({"metadata_block_picture", "coverart"})
# What is read of a comment to see whether it is a picture, whose megabytes need not be decoded.
_MAX_PICTURE_KEY = len("metadata_block_picture=")
_LONG_BYTES = 1 << 10
_MAX_REMEMBERED_KEYS, _MAX_REMEMBERED_CHARACTERS = 1_000, 64

_lower_case: dict[str, str] = {}  # the keys that were seen, which are the same few in each file


def parse(block: bytes, start: int) -> tuple[dict[str, list[str]], bool, int]:
    """Return the values by key in lower case, whether there is a picture, and where the comments end in `block`."""
    (vendor_bytes,) = _uint32(block, start)
    position = start + 4 + vendor_bytes
    (count,) = _uint32(block, position)
    if count > MAX_COMMENTS:
        raise NotPlainError
    position += 4
    tags: dict[str, list[str]] = {}
    has_picture = False
    for _ in range(count):
        (length,) = _uint32(block, position)
        position += 4
        end = position + length
        if length > _LONG_BYTES and _is_picture(block[position : position + _MAX_PICTURE_KEY]):
            has_picture = True
            position = end
            continue
        written, separator, value = str(block[position:end], "utf-8").partition("=")
        key = _lower_case.get(written) or _checked_key(written, separator)
        if key in _PICTURES:
            has_picture = True
        elif key in tags:
            tags[key].append(value)
        else:
            tags[key] = [value]
        position = end
    if position > len(block):
        raise NotPlainError
    return tags, has_picture, position


def _is_picture(beginning: bytes) -> bool:
    key, separator, _ = beginning.partition(b"=")
    return bool(separator) and key.lower().decode("latin-1") in _PICTURES


def _checked_key(written: str, separator: str) -> str:
    """Return a key in lower case. Raises `NotPlainError` for one that the specification does not allow."""
    if not separator or not written or not all(" " <= character <= "}" for character in written):
        raise NotPlainError
    key = written.lower()
    if len(written) <= _MAX_REMEMBERED_CHARACTERS and len(_lower_case) < _MAX_REMEMBERED_KEYS:
        _lower_case[written] = key
    return key
