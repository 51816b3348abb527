"""WAV files: RIFF, its 64-bit forms RF64 and BW64, and Wave64, with tags as ID3 and as RIFF INFO.

Sources: "Multimedia Programming Interface and Data Specifications 1.0", chapter 2; EBU Tech 3306 (RF64).
"""

import io
import os
import re
import struct
from collections.abc import Iterator

from soniquebay.audio.reading.chunks import chunks, guid_chunks
from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.id3 import read_id3v2
from soniquebay.audio.reading.raw import RawContent, RawTags, Sound

_CODECS = {
    0x0001: "PCM",
    0x0002: "ADPCM",
    0x0003: "PCM",  # floating point
    0x0006: "A-law",
    0x0007: "\xb5-law",
    0x0011: "ADPCM",
    0x0050: "MP2",
    0x0055: "MP3",
    0x00FF: "AAC",
    0x2000: "AC-3",
    0x2001: "DTS",
}
_SAMPLED = {"PCM", "A-law", "\xb5-law"}  # a block is a sample of all channels
_EXTENSIBLE = 0xFFFE
_UNKNOWN_SIZE = 0xFFFFFFFF
_FORMAT_BYTES = 16
_SUBFORMAT_OFFSET = 24
_MAX_INFO_BYTES = 1 << 20
_MAX_INFO_TEXTS = 1_024  # of one LIST chunk
_MAX_LISTS = 16
_MAX_ID3_BYTES = 1 << 26
_ID3_CHUNKS = {b"id3 ", b"ID3 "}
_WAVE64_FIRST_CHUNK = 40
_NOT_PADDING = re.compile(rb"[^\0]")


def read_wav(descriptor: int, header: bytes, size: int) -> RawContent:
    """Return what a WAV file says; `header` are its first bytes, `size` is its size in bytes.

    Raises `UnreadableAudioError` when it has no sound.
    """
    found = _Found()
    for name, offset, stated in _chunks(descriptor, header, size):
        found.add(descriptor, name, offset, stated, size)
    sound = found.sound()
    # An ID3 tag is newer than what a recorder or a ripper wrote to INFO.
    tags = [tag for tag in (found.id3, found.info) if tag is not None] or [RawTags("riff", {})]
    return RawContent(tags[0].system, tags[0].tags, sound, found.has_picture, tags[0].latin1, tuple(tags[1:]))


def _chunks(descriptor: int, header: bytes, size: int) -> Iterator[tuple[bytes, int, int]]:
    if header.startswith(b"riff"):
        return guid_chunks(descriptor, _WAVE64_FIRST_CHUNK, size)
    return chunks(descriptor, 12, size, "<I")


class _Found:
    """What the chunks have told so far."""

    def __init__(self) -> None:
        self.format = b""
        self.data_bytes = -1
        self.samples = 0  # of the fact chunk
        self.id3: RawTags | None = None
        self.info: RawTags | None = None
        self.has_picture = False
        self._data_bytes_of_rf64 = 0
        self._lists = 0

    def add(self, descriptor: int, name: bytes, offset: int, stated: int, file_bytes: int) -> None:
        """Take in a chunk."""
        there = max(0, min(stated, file_bytes - offset))
        if name == b"fmt " and not self.format:
            self.format = os.pread(descriptor, min(there, 64), offset)
        elif name == b"data" and self.data_bytes < 0:
            self.data_bytes = self._sound_bytes(descriptor, offset, stated, file_bytes)
        elif name == b"ds64":
            sizes = os.pread(descriptor, 16, offset)
            self._data_bytes_of_rf64 = int.from_bytes(sizes[8:], "little")
        elif name == b"fact":
            self.samples = int.from_bytes(os.pread(descriptor, min(there, 4), offset), "little")
        elif name == b"LIST" and there <= _MAX_INFO_BYTES and self._lists < _MAX_LISTS:
            self._lists += 1
            self._add_info(os.pread(descriptor, there, offset))
        elif name in _ID3_CHUNKS and there <= _MAX_ID3_BYTES and self.id3 is None:
            self.id3, self.has_picture = read_id3v2(io.BytesIO(os.pread(descriptor, there, offset)))

    def _add_info(self, data: bytes) -> None:
        """Take in a LIST chunk; there may be several, as of an encoder and of a tagger."""
        info = _info(data)
        if info is not None and self.info is not None:
            for name, texts in info.tags.items():
                self.info.tags.setdefault(name, texts)
            self.info.latin1 |= info.latin1
        elif info is not None:
            self.info = info

    def _sound_bytes(self, descriptor: int, offset: int, stated: int, file_bytes: int) -> int:
        """Return the size of the sound: all that is there, if the writer did not know it, as with a pipe."""
        if stated == _UNKNOWN_SIZE and self._data_bytes_of_rf64:
            stated = self._data_bytes_of_rf64
        there = max(0, file_bytes - offset)
        if stated == 0 and not _is_chunk(os.pread(descriptor, 8, offset)):
            return there
        return min(stated, there)

    def sound(self) -> Sound:
        if len(self.format) < _FORMAT_BYTES:
            raise UnreadableAudioError(
                "not readable as audio: it does not say what its sound is, or a chunk before has a wrong size"
            )
        kind, channels, rate, bytes_a_second, block, bits = struct.unpack_from("<HHIIHH", self.format)
        if kind == _EXTENSIBLE and len(self.format) >= _SUBFORMAT_OFFSET + 2:
            (kind,) = struct.unpack_from("<H", self.format, _SUBFORMAT_OFFSET)
        codec = _CODECS.get(kind, "unknown")
        data_bytes = max(self.data_bytes, 0)
        duration = 0.0
        if codec in _SAMPLED:
            bytes_a_second = block * rate
            duration = data_bytes / bytes_a_second if bytes_a_second else 0.0
        elif self.samples and rate:
            duration = self.samples / rate
        elif bytes_a_second:
            duration = data_bytes / bytes_a_second
        depth = bits if codec == "PCM" else None
        return Sound("WAV", codec, duration, 8 * bytes_a_second or None, rate or None, channels or None, depth or None)


def _is_chunk(header: bytes) -> bool:
    """Tell whether another chunk begins here, so that a sound of no bytes is one."""
    return header[:4] in {b"LIST", b"id3 ", b"ID3 ", b"fact", b"cue ", b"bext", b"JUNK", b"smpl", b"PEAK"}


def _info(data: bytes) -> RawTags | None:
    """Return the tags of a LIST chunk of type INFO; None for another list."""
    if not data.startswith(b"INFO"):
        return None
    tags: dict[str, list[str]] = {}
    position = 4
    for _ in range(_MAX_INFO_TEXTS):
        if position + 8 > len(data):
            break
        name, size = struct.unpack_from("<4sI", data, position)
        text = data[position + 8 : position + 8 + size].partition(b"\0")[0].decode("latin-1")
        if text:
            tags.setdefault(name.decode("latin-1").lower(), []).append(text)
        position += 8 + size + size % 2
        following = _NOT_PADDING.search(data, position)  # some programs pad more than one byte
        position = following.start() if following else len(data)
    return RawTags("riff", tags, {name for name, texts in tags.items() if not "".join(texts).isascii()})
