"""ASF and Windows Media Audio: the tags by mutagen.

Source: "Advanced Systems Format (ASF) Specification", revision 01.20.05, section 10 (GUIDs).
"""

import io
import os
import struct
import uuid
from typing import Any, BinaryIO

from mutagen.asf import ASF, ASFByteArrayAttribute

from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.raw import RawContent, Sound

_VIDEO_STREAM = uuid.UUID("BC19EFC0-5B4D-11CF-A8FD-00805F5C442B").bytes_le
_ENCRYPTIONS = tuple(
    uuid.UUID(guid).bytes_le
    for guid in (
        "2211B3FB-BD23-11D2-B4B7-00A0C955FC6E",
        "298AE614-2622-4C17-B935-DAE07EE9289C",
        "43058533-6981-49E6-9B74-AD12CB86D58C",
    )
)
_HEADER_EXTENSION = uuid.UUID("5FBF03B5-A92E-11CF-8EE3-00C00C205365").bytes_le
# Objects that begin with how many entries they have: extended content description, metadata, metadata library.
_COUNTED = tuple(
    uuid.UUID(guid).bytes_le
    for guid in (
        "D2D0A440-E307-11D2-97F0-00A0C95EA850",
        "C5F8CBEA-5BAF-4877-8467-AA8C44FA4CCA",
        "44231C94-9498-49D1-A141-1D134E457054",
    )
)
_CODEC_LIST = uuid.UUID("86D15240-311D-11D0-A3A4-00A0C90348F6").bytes_le
_MAX_HEADER_BYTES = 1 << 26
_MAX_ATTRIBUTES = 4_096  # of a file
_MAX_OBJECTS = 1_000
_MAX_CODECS = 64
_HEADER_FIXED_BYTES = 30
_OBJECT_HEADER_BYTES = 24
_EXTENSION_FIXED_BYTES = 46  # with its object header
_object_header = struct.Struct("<16sQ")
_CODECS = {"lossless": "WMA Lossless", "professional": "WMA Pro", "voice": "WMA Voice"}
_PICTURE = "WM/Picture"
_PICTURE_HEAD = struct.Struct("<BI")


def read_asf(file: BinaryIO, size: int, *, may_be_video: bool) -> RawContent:
    """Return what an ASF file says.

    Raises `UnreadableAudioError` when it is encrypted, and when it holds video, unless its name says that it is music.
    """
    header = _header(file, size)
    if any(guid in header for guid in _ENCRYPTIONS):
        raise UnreadableAudioError("is protected against copying (Windows Media DRM), so it cannot be played here")
    if may_be_video and _VIDEO_STREAM in header:
        raise UnreadableAudioError("holds video, not music")
    audio: Any = ASF(io.BytesIO(_limited(header)))
    tags: dict[str, list[str]] = {}
    has_picture = False
    for name, value in audio.tags:
        if name == _PICTURE:
            has_picture = True
        elif not isinstance(value, ASFByteArrayAttribute):
            tags.setdefault(name.lower(), []).append(str(value))
    info = audio.info
    kind = info.codec_type.lower()
    codec = next((name for word, name in _CODECS.items() if word in kind), "WMA")
    sound = Sound("WMA", codec, info.length, info.bitrate or None, info.sample_rate or None, info.channels or None)
    return RawContent("asf", tags, sound, has_picture)


def asf_pictures(file: BinaryIO) -> list[tuple[int, bytes]]:
    """Return type (as in ID3) and data of the pictures in an ASF file."""
    audio: Any = ASF(io.BytesIO(_limited(_header(file, os.fstat(file.fileno()).st_size))))
    found = (_picture(bytes(value.value)) for name, value in audio.tags if name == _PICTURE)
    return [picture for picture in found if picture is not None]


def _header(file: BinaryIO, size: int) -> bytes:
    stated = int.from_bytes(os.pread(file.fileno(), 8, 16), "little")
    return os.pread(file.fileno(), min(max(stated, _HEADER_FIXED_BYTES), size, _MAX_HEADER_BYTES), 0)


def _limited(header: bytes) -> bytes:
    """Return a header that states no more objects, attributes and codecs than the limits: mutagen takes them all."""
    changed = bytearray(header)
    if len(changed) < _HEADER_FIXED_BYTES:
        return header
    count = min(int.from_bytes(changed[24:28], "little"), _MAX_OBJECTS)
    changed[24:28] = count.to_bytes(4, "little")
    left = _MAX_ATTRIBUTES
    position, end, objects = _HEADER_FIXED_BYTES, len(changed), 0
    while position + _OBJECT_HEADER_BYTES <= end and objects < 2 * _MAX_OBJECTS:
        guid, size = _object_header.unpack_from(changed, position)
        start = position + _OBJECT_HEADER_BYTES
        objects += 1
        if guid == _HEADER_EXTENSION:
            _limit_extension(changed, position)
            position += _EXTENSION_FIXED_BYTES
            continue  # with the objects in it
        if guid in _COUNTED:
            stated = int.from_bytes(changed[start : start + 2], "little")
            changed[start : start + 2] = min(stated, left).to_bytes(2, "little")
            left = max(0, left - stated)
        elif guid == _CODEC_LIST:
            stated = int.from_bytes(changed[start + 16 : start + 20], "little")
            changed[start + 16 : start + 20] = min(stated, _MAX_CODECS).to_bytes(4, "little")
        if size < _OBJECT_HEADER_BYTES:
            break
        position += size
    return bytes(changed[: len(header)])


def _limit_extension(changed: bytearray, start: int) -> None:
    """Let a header extension end behind the objects of the limit, and before one of a size that cannot be."""
    first = start + _EXTENSION_FIXED_BYTES
    stated = int.from_bytes(changed[first - 4 : first], "little")
    position = first
    for _ in range(_MAX_OBJECTS):
        if position - first >= stated or position + _OBJECT_HEADER_BYTES > len(changed):
            break
        size = _object_header.unpack_from(changed, position)[1]
        if size < _OBJECT_HEADER_BYTES:
            break
        position += size
    if position - first < stated:
        changed[first - 4 : first] = (position - first).to_bytes(4, "little")


def _picture(data: bytes) -> tuple[int, bytes] | None:
    """Return type and data of a WM/Picture: type, size, MIME type and description as UTF-16 with NUL, the data."""
    if len(data) < _PICTURE_HEAD.size:
        return None
    kind, size = _PICTURE_HEAD.unpack_from(data)
    position = _PICTURE_HEAD.size
    for _ in range(2):
        while data[position : position + 2] not in {b"\0\0", b""}:
            position += 2
        position += 2
    return kind, data[position : position + size]
