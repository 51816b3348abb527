"""The pictures embedded in an audio file of any format."""

import io
from collections.abc import Callable

from soniquebay.audio.reading.ape import TAIL_BYTES, ape_pictures, may_have_ape
from soniquebay.audio.reading.asf import asf_pictures
from soniquebay.audio.reading.chunks import chunks, guid_chunks
from soniquebay.audio.reading.id3 import id3v2_pictures
from soniquebay.audio.reading.matroska import attached_pictures
from soniquebay.audio.reading.mp4 import mp4_pictures
from soniquebay.audio.reading.ogg import flac_pictures, ogg_pictures
from soniquebay.audio.reading.source import Kind, Source, opened

# Picture types of ID3v2.4 (frames, section 4.14) and FLAC: "other" is what programs write that know no types.
_FRONT_COVER, _OTHER = 3, 0
_LAST_TYPES = frozenset({4, 5, 6, *range(7, 21)})  # the back, the leaflet, the medium, people and logos
_OGG_HEADER_BYTES = 4096
_MAX_ID3_BYTES = 1 << 26
_ID3_CHUNKS = {b"ID3 ", b"id3 "}
_CHUNKS = {"wav": (12, "<I"), "aiff": (12, ">I"), "dsdiff": (16, ">Q")}
_DSF_POINTER = slice(20, 28)  # to the tag, in the first chunk


def embedded_pictures(path: str) -> list[bytes]:
    """Return the pictures in the file at `path` (Python's file-system string).

    Front covers come first; the back, people and logos come last.
    Raises `UnavailableFileError` when the file cannot be read, and `UnreadableAudioError` when it is not audio.
    """
    with opened(path) as source:
        pictures = _pictures(source)
    return [data for _, data in sorted(pictures, key=lambda picture: _rank(picture[0])) if data]


def _rank(picture_type: int) -> int:
    if picture_type in {_FRONT_COVER, _OTHER}:
        return 0 if picture_type == _FRONT_COVER else 1
    return 3 if picture_type in _LAST_TYPES else 2


def _pictures(source: Source) -> list[tuple[int, bytes]]:
    """Return type (as in ID3) and data of each picture."""
    reader = _READERS.get(source.kind)
    if reader is not None:
        return reader(source)
    pictures = _of_id3(source)
    if may_have_ape(source.read_at(max(0, source.size - TAIL_BYTES), TAIL_BYTES)):
        pictures += ape_pictures(source.file)
    return pictures


def _of_id3(source: Source) -> list[tuple[int, bytes]]:
    """Return the pictures of an ID3 tag at the beginning of a file."""
    source.file.seek(0)
    return id3v2_pictures(source.file) if source.start else []


def _of_mp4(source: Source) -> list[tuple[int, bytes]]:
    return [(_FRONT_COVER, data) for data in mp4_pictures(source.file)]


def _of_matroska(source: Source) -> list[tuple[int, bytes]]:
    found = attached_pictures(source.descriptor, source.size)
    return [(_FRONT_COVER if is_front else 0, data) for is_front, data in found]


def _of_chunk(source: Source) -> list[tuple[int, bytes]]:
    return id3v2_pictures(io.BytesIO(_id3_chunk(source)))


def _id3_chunk(source: Source) -> bytes:
    """Return the ID3 tag within a file of chunks; empty if there is none."""
    if source.kind == "dsf":
        offset = int.from_bytes(source.header[_DSF_POINTER], "little")
        return source.read_at(offset, _MAX_ID3_BYTES) if offset else b""
    start, size_format = _CHUNKS[source.kind]
    if source.header.startswith(b"riff"):
        found = guid_chunks(source.descriptor, 40, source.size)
    else:
        found = chunks(source.descriptor, start, source.size, size_format)
    place = next(((offset, size) for name, offset, size in found if name in _ID3_CHUNKS), (0, 0))
    return source.read_at(place[0], min(place[1], _MAX_ID3_BYTES))


_READERS: dict[Kind, Callable[[Source], list[tuple[int, bytes]]]] = {
    "aiff": _of_chunk,
    "asf": lambda source: asf_pictures(source.file),
    "dsdiff": _of_chunk,
    "dsf": _of_chunk,
    "flac": lambda source: flac_pictures(source.file) + _of_id3(source),
    "matroska": _of_matroska,
    "mp4": _of_mp4,
    "ogg": lambda source: ogg_pictures(source.file, source.read_at(0, _OGG_HEADER_BYTES)),
    "wav": _of_chunk,
}
