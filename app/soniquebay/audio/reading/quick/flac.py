"""FLAC (RFC 9639): STREAMINFO, the Vorbis comments, and whether there is a picture."""

from struct import Struct

from soniquebay.audio.reading.quick import vorbis
from soniquebay.audio.reading.quick.source import NotPlainError, Source
from soniquebay.audio.reading.raw import RawContent, Sound

_STREAMINFO, _PADDING, _APPLICATION, _SEEK_TABLE, _COMMENTS, _CUE_SHEET, _PICTURE = range(7)
_STREAMINFO_BYTES = 34
_FIRST_BLOCK = 4 + 4 + _STREAMINFO_BYTES  # where the second metadata block begins
_MAX_BLOCKS = 256
_SKIPPED = frozenset({_PADDING, _APPLICATION})

_uint32 = Struct(">I").unpack_from
_uint64 = Struct(">Q").unpack_from


def read(source: Source) -> RawContent:
    """Return what the file says. Raises `NotPlainError`."""
    head = source.head
    if head[4] & 0x7F != _STREAMINFO or _uint32(head, 4)[0] & 0xFFFFFF != _STREAMINFO_BYTES:
        raise NotPlainError
    (packed,) = _uint64(head, 8 + 10)  # sample rate: 20 bits, channels - 1: 3, bits a sample - 1: 5, samples: 36
    sample_rate, samples = packed >> 44, packed & 0xFFFFFFFFF
    if not sample_rate or not samples or head[4] & 0x80:
        raise NotPlainError
    tags, has_picture, end = _blocks(source)
    duration = samples / sample_rate
    bit_rate = int((source.size - end) * 8 / duration)
    if not bit_rate:
        raise NotPlainError
    channels, bits = (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1
    sound = Sound("FLAC", "FLAC", duration, bit_rate, sample_rate, channels, bits)
    return RawContent("vorbis", tags, sound, has_picture)


def _blocks(source: Source) -> tuple[dict[str, list[str]], bool, int]:
    """Return the comments, whether there is a picture, and where the metadata end."""
    tags: dict[str, list[str]] | None = None
    has_picture = has_seek_table = False
    position = _FIRST_BLOCK
    for _ in range(_MAX_BLOCKS):
        (header,) = _uint32(source.read(position, 4))
        kind, size = header >> 24 & 0x7F, header & 0xFFFFFF
        position += 4
        if position + size > source.size:
            raise NotPlainError
        if kind == _COMMENTS and tags is None and size <= vorbis.MAX_COMMENT_BYTES:
            tags, is_pictured, end = vorbis.parse(source.read(position, size), 0)
            has_picture |= is_pictured
            if end != size:
                raise NotPlainError
        elif kind == _PICTURE:
            _check_picture(source, position, size)
            has_picture = True
        elif kind == _SEEK_TABLE and not has_seek_table:
            has_seek_table = True
        elif kind not in _SKIPPED:
            raise NotPlainError
        position += size
        if header >> 31:
            return tags or {}, has_picture, position
    raise NotPlainError


def _check_picture(source: Source, position: int, size: int) -> None:
    """Raise `NotPlainError` unless the sizes in a PICTURE block fill it (section 8.8): some state wrong ones."""
    (media_type_bytes,) = _uint32(source.read(position + 4, 4))
    (description_bytes,) = _uint32(source.read(position + 8 + media_type_bytes, 4))
    fields = 32 + media_type_bytes + description_bytes
    (data_bytes,) = _uint32(source.read(position + fields - 4, 4))
    if fields + data_bytes != size:
        raise NotPlainError
