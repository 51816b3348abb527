"""Matroska and WebM: the tags, the properties of the sound, and attached pictures.

The clusters, which hold the sound, are not read. Source: RFC 9559 (Matroska), RFC 8794 (EBML).
"""

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.raw import RawContent, Sound

_EBML, _DOC_TYPE = 0x1A45DFA3, 0x4282
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
_INFO, _TIMESTAMP_SCALE, _DURATION, _TITLE = 0x1549A966, 0x2AD7B1, 0x4489, 0x7BA9
_TRACKS, _TRACK, _TRACK_TYPE, _CODEC = 0x1654AE6B, 0xAE, 0x83, 0x86
_AUDIO, _RATE, _OUTPUT_RATE, _CHANNELS, _BIT_DEPTH = 0xE1, 0xB5, 0x78B5, 0x9F, 0x6264
_TAGS, _TAG, _TARGETS, _LEVEL, _SIMPLE_TAG, _TAG_NAME, _TAG_TEXT = (
    0x1254C367, 0x7373, 0x63C0, 0x68CA, 0x67C8, 0x45A3, 0x4487,
)  # fmt: skip
_ATTACHMENTS, _ATTACHED_FILE, _FILE_NAME, _MIME_TYPE, _FILE_DATA = 0x1941A469, 0x61A7, 0x466E, 0x4660, 0x465C

_SOUND_TRACK = 2
_MAX_ELEMENTS = 10_000
_MAX_TAGS = 4_096
_MAX_READ_BYTES = 1 << 24
_MAX_PICTURE_BYTES = 1 << 26
_NANOSECONDS = 1_000_000_000
_DEFAULT_SCALE = 1_000_000
# Target levels of tags (RFC 9559, section 5.1.8.1.1.1) that are written before the name.
_LEVEL_PREFIXES = {40: "volume:", 50: "album:", 60: "edition:"}
_TRACK_LEVEL = 30
_CODECS = {
    "A_VORBIS": "Vorbis",
    "A_OPUS": "Opus",
    "A_FLAC": "FLAC",
    "A_ALAC": "ALAC",
    "A_AAC": "AAC",
    "A_AC3": "AC-3",
    "A_EAC3": "E-AC-3",
    "A_DTS": "DTS",
    "A_TRUEHD": "TrueHD",
    "A_TTA1": "TTA",
    "A_WAVPACK4": "WavPack",
    "A_MPEG/L3": "MP3",
    "A_MPEG/L2": "MP2",
    "A_MPEG/L1": "MP1",
}
_LOSSLESS = {"FLAC", "ALAC", "TTA", "WavPack", "PCM", "TrueHD"}

_Element = tuple[int, int, int]  # identifier, offset of the content, its size in bytes


@dataclass(slots=True)
class _Parts:
    """Where the parts of a segment lie: the elements by identifier."""

    doc_type: str = "matroska"
    elements: dict[int, list[_Element]] = field(default_factory=dict)

    def add(self, element: _Element) -> None:
        known = self.elements.setdefault(element[0], [])
        if element not in known:
            known.append(element)


def read_matroska(descriptor: int, file_bytes: int) -> RawContent:
    """Return what a Matroska or WebM file says; its duration is 0.0 where the header states none.

    Raises `UnreadableAudioError` when it has no sound.
    """
    parts = _find_parts(descriptor, file_bytes)
    sound = _sound(descriptor, parts, file_bytes)
    tags: dict[str, list[str]] = {}
    written = (
        named
        for element in parts.elements.get(_TAGS, ())
        for tag in _children(_read(descriptor, element), _TAG)
        for named in _named(tag)
    )
    for name, text in islice(written, _MAX_TAGS):
        tags.setdefault(name, []).append(text)
    for element in parts.elements.get(_INFO, ()):
        title = _text(_read(descriptor, element), _TITLE)
        if title:
            tags.setdefault("title", [title])
    return RawContent("matroska", tags, sound, any(True for _ in _attached(descriptor, parts)))


def attached_pictures(descriptor: int, file_bytes: int) -> list[tuple[bool, bytes]]:
    """Return for each attached picture whether it is the front cover (its name begins with "cover"), and its data."""
    found = []
    for name, (_, offset, size) in _attached(descriptor, _find_parts(descriptor, file_bytes)):
        if size <= _MAX_PICTURE_BYTES:
            found.append((name.lower().startswith("cover"), os.pread(descriptor, size, offset)))
    return found


def _find_parts(descriptor: int, file_bytes: int) -> _Parts:
    """Go through the segment up to its first cluster, and to what its index of parts says lies behind."""
    parts = _Parts()
    segment: _Element | None = None
    for element in _elements_in_file(descriptor, 0, file_bytes):
        if element[0] == _EBML:
            parts.doc_type = _text(_read(descriptor, element), _DOC_TYPE) or parts.doc_type
        elif element[0] == _SEGMENT:
            segment = element
            break
    if segment is None:
        raise UnreadableAudioError("not readable as audio: the file is damaged")
    _, start, size = segment
    for element in _elements_in_file(descriptor, start, start + size):
        if element[0] == _CLUSTER:
            break
        parts.add(element)
    for head in list(parts.elements.get(_SEEK_HEAD, ())):
        for seek in _children(_read(descriptor, head), _SEEK):
            wanted, position = _number(seek, _SEEK_ID), _number(seek, _SEEK_POSITION)
            if wanted in {_TAGS, _ATTACHMENTS, _INFO, _TRACKS} and position is not None:
                there = next(_elements_in_file(descriptor, start + position, start + size), None)
                if there is not None and there[0] == wanted:
                    parts.add(there)
    return parts


def _sound(descriptor: int, parts: _Parts, file_bytes: int) -> Sound:
    info = b"".join(_read(descriptor, element) for element in parts.elements.get(_INFO, ()))
    scale = _number(info, _TIMESTAMP_SCALE) or _DEFAULT_SCALE
    duration = (_float(info, _DURATION) or 0.0) * scale / _NANOSECONDS
    for element in parts.elements.get(_TRACKS, ()):
        for track in _children(_read(descriptor, element), _TRACK):
            if _number(track, _TRACK_TYPE) == _SOUND_TRACK:
                return _track_sound(track, parts.doc_type, duration, file_bytes)
    raise UnreadableAudioError("contains no audio: it has no sound track")


def _track_sound(track: bytes, doc_type: str, duration: float, file_bytes: int) -> Sound:
    audio = next(_children(track, _AUDIO), b"")
    rate = _float(audio, _OUTPUT_RATE) or _float(audio, _RATE) or 8000.0
    identifier = _text(track, _CODEC)
    codec = _CODECS.get(identifier) or next(
        (name for prefix, name in _CODECS.items() if identifier.startswith(prefix + "/")), ""
    )
    codec = codec or ("PCM" if identifier.startswith("A_PCM") else identifier.removeprefix("A_") or "unknown")
    return Sound(
        "WebM" if doc_type == "webm" else "Matroska",
        codec,
        duration,
        round(8 * file_bytes / duration) if duration > 0 else None,
        round(rate) or None,
        _number(audio, _CHANNELS) or 1,
        _number(audio, _BIT_DEPTH) if codec in _LOSSLESS else None,
    )


def _named(tag: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and text of each tag within a tag."""
    targets = next(_children(tag, _TARGETS), b"")
    level = _number(targets, _LEVEL)
    if level is not None and level < _TRACK_LEVEL:
        return  # of a part of the track
    # Without a level a tag should be that of the album, but FFmpeg writes those of the track so.
    prefix = _LEVEL_PREFIXES.get(level or _TRACK_LEVEL, "")
    for simple in _children(tag, _SIMPLE_TAG):
        name = prefix + _text(simple, _TAG_NAME).lower()
        for key, text in ((name, _text(simple, _TAG_TEXT)), (f"{name}:sort", _sort_name(simple))):
            if text:
                yield key, text


def _sort_name(simple: bytes) -> str:
    """Return the name within a name by which it is sorted."""
    nested = (inner for inner in _children(simple, _SIMPLE_TAG) if _text(inner, _TAG_NAME).upper() == "SORT_WITH")
    return _text(next(nested, b""), _TAG_TEXT)


def _attached(descriptor: int, parts: _Parts) -> Iterator[tuple[str, _Element]]:
    """Yield name and place of each attached picture."""
    for _, start, size in parts.elements.get(_ATTACHMENTS, ()):
        for kind, offset, length in _elements_in_file(descriptor, start, start + size):
            if kind != _ATTACHED_FILE:
                continue
            inner = list(_elements_in_file(descriptor, offset, offset + length))
            texts = {entry[0]: _read(descriptor, entry) for entry in inner if entry[0] in {_FILE_NAME, _MIME_TYPE}}
            data = next((entry for entry in inner if entry[0] == _FILE_DATA), None)
            if data is not None and texts.get(_MIME_TYPE, b"").lower().startswith(b"image/"):
                yield texts.get(_FILE_NAME, b"").decode("utf-8", "replace"), data


def _elements_in_file(descriptor: int, start: int, end: int) -> Iterator[_Element]:
    """Yield the elements between two positions of a file; one of unknown size reaches to the end."""
    position = start
    for _ in range(_MAX_ELEMENTS):
        found = _header(os.pread(descriptor, 12, position), 0) if position < end else None
        if found is None:
            return
        identifier, head, size = found
        there = end - position - head
        yield identifier, position + head, there if size is None else min(size, there)
        if size is None:
            return
        position += head + size


def _read(descriptor: int, element: _Element) -> bytes:
    _, offset, size = element
    return os.pread(descriptor, max(0, min(size, _MAX_READ_BYTES)), offset)


def _header(data: bytes, position: int) -> tuple[int, int, int | None] | None:
    """Return identifier, length of the header and size of the content (None: unknown) of the element at a position."""
    identifier_bytes = _vint_bytes(data, position, 4)
    size_bytes = _vint_bytes(data, position + identifier_bytes, 8) if identifier_bytes else 0
    if not size_bytes or position + identifier_bytes + size_bytes > len(data):
        return None
    at = position + identifier_bytes
    identifier = int.from_bytes(data[position:at], "big")
    value_bits = 7 * size_bytes
    size = int.from_bytes(data[at : at + size_bytes], "big") & (1 << value_bits) - 1
    return identifier, identifier_bytes + size_bytes, None if size == (1 << value_bits) - 1 else size


def _vint_bytes(data: bytes, position: int, most: int) -> int:
    """Return how many bytes the variable-size integer at a position has; 0 if it is invalid."""
    if position >= len(data) or not data[position]:
        return 0
    length = 9 - data[position].bit_length()
    return length if length <= most else 0


def _children(data: bytes, wanted: int) -> Iterator[bytes]:
    """Yield the content of each element of one kind in the content of another."""
    position = 0
    while found := _header(data, position):
        identifier, head, size = found
        end = len(data) if size is None else position + head + size
        if identifier == wanted:
            yield data[position + head : end]
        position = end


def _number(data: bytes, wanted: int) -> int | None:
    content = next(_children(data, wanted), None)
    return int.from_bytes(content[:8], "big") if content is not None else None


def _float(data: bytes, wanted: int) -> float | None:
    content = next(_children(data, wanted), b"")
    number = struct.unpack(">f" if len(content) == 4 else ">d", content)[0] if len(content) in {4, 8} else None
    return number if number is not None and math.isfinite(number) and number >= 0 else None


def _text(data: bytes, wanted: int) -> str:
    return next(_children(data, wanted), b"").partition(b"\0")[0].decode("utf-8", "replace")
