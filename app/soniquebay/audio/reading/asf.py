"""ASF and Windows Media Audio: the tags by mutagen.

Source: "Advanced Systems Format (ASF) Specification", revision 01.20.05, section 10 (GUIDs).
"""

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
_MAX_HEADER_BYTES = 1 << 26
_CODECS = {"lossless": "WMA Lossless", "professional": "WMA Pro", "voice": "WMA Voice"}
_PICTURE = "WM/Picture"
_PICTURE_HEAD = struct.Struct("<BI")


def read_asf(file: BinaryIO, size: int, *, may_be_video: bool) -> RawContent:
    """Return what an ASF file says.

    Raises `UnreadableAudioError` when it is encrypted, and when it holds video, unless its name says that it is music.
    """
    header_bytes = int.from_bytes(os.pread(file.fileno(), 8, 16), "little")
    header = os.pread(file.fileno(), min(header_bytes, size, _MAX_HEADER_BYTES), 0)
    if any(guid in header for guid in _ENCRYPTIONS):
        raise UnreadableAudioError("is protected against copying (Windows Media DRM), so it cannot be played here")
    if may_be_video and _VIDEO_STREAM in header:
        raise UnreadableAudioError("holds video, not music")
    audio: Any = ASF(file)
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
    audio: Any = ASF(file)
    found = (_picture(bytes(value.value)) for name, value in audio.tags if name == _PICTURE)
    return [picture for picture in found if picture is not None]


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
