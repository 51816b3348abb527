"""MPEG audio, layer III.

Sources: ISO/IEC 11172-3 and 13818-3, section 2.4.2.3 (frame header); the LAME project, "Mp3 Info Tag rev 1";
Fraunhofer's description of the VBRI header.
"""

import math
from struct import Struct
from typing import NamedTuple

from soniquebay.audio.reading.id3 import ID3V1_BYTES, id3v1_in
from soniquebay.audio.reading.mpeg import measure_mpeg
from soniquebay.audio.reading.quick import id3
from soniquebay.audio.reading.quick.source import NotPlainError, Source
from soniquebay.audio.reading.raw import RawContent, RawTags, Sound

_MONO = 3
_FRAMES_IN_A_ROW = 4  # so that no accident looks like a frame
_FRAMES_READ_BYTES = 6 << 10  # more than these frames have
_VBRI_OFFSET = 36
_HAS_FRAMES, _HAS_BYTES, _HAS_TOC, _HAS_QUALITY = 1, 2, 4, 8
_TOC_BYTES = 100
_LAME_VERSION_BYTES, _LAME_TAG_BYTES = 9, 27
_OLDEST_LAME_WITH_DELAY = 90  # 3.90
# As `mutagen_reader` has it: further from the bytes that the header states than this, the file was cut or joined.
_STATED_SHARE = 0.02
_STATED_BYTES = 4096
_TAIL_BYTES = 160  # an ID3v1 tag, and behind it the place of an APEv2 footer

_KILOBITS = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SIDE_BYTES = {(1, 1): 17, (1, 2): 32, (2, 1): 9, (2, 2): 17}  # of a frame, by MPEG version and channels
_RATES_HZ = (44100, 48000, 32000)
# By the version bits: MPEG version (2.5 has the tables of 2), divisor of the sample rate, samples of a frame.
_VERSIONS = {3: (1, 1, 1152), 2: (2, 2, 576), 0: (2, 4, 576)}

_uint32 = Struct(">I").unpack_from
_uint32s = Struct(">3I").unpack_from
_vbri_header = Struct(">H4xIIHHH").unpack_from  # version, bytes, frames, entries of the table, scale, bytes of an entry


def read(source: Source) -> RawContent:
    """Return what the file says. Raises `NotPlainError`."""
    if source.head.startswith(b"ID3"):
        tags, latin1, has_picture, end = id3.read_tag(source)
        has_tag = True
    else:
        tags, latin1, has_picture, end = {}, set(), False, 0
        has_tag = False
    beginning = source.read_up_to(end, _FRAMES_READ_BYTES)  # most often read already
    version_1 = _id3v1(source, end)
    sound = _sound(source, beginning, end, source.size - (ID3V1_BYTES if version_1 else 0))
    if version_1 is None:
        return RawContent("id3", tags, sound, has_picture, latin1)
    if not has_tag:
        return RawContent("id3", version_1.tags, sound, latin1=version_1.latin1)
    return RawContent("id3", tags, sound, has_picture, latin1, (version_1,))


def _id3v1(source: Source, start: int) -> RawTags | None:
    """Return the ID3v1 tag at the end of the file, if there is one. Raises `NotPlainError` for tags of other kinds."""
    tail = source.read_up_to(max(start, source.size - _TAIL_BYTES), _TAIL_BYTES)
    if b"APETAGEX" in tail or b"LYRICS" in tail or b"3DI" in tail:
        raise NotPlainError
    return id3v1_in(tail) if b"TAG" in tail else None


def _sound(source: Source, data: bytes, position: int, end: int) -> Sound:
    """Return the properties of the sound between two positions, which begins with `data`."""
    if position and data[:1] == b"\0":  # zeros behind the tag are padding that its size leaves out
        position += len(data) - len(data.lstrip(b"\0"))
        data = source.read_up_to(position, _FRAMES_READ_BYTES)
    frame = _frame(data, 0)
    tag = frame.tag_offset
    kind = data[tag : tag + 4]
    if kind in {b"Xing", b"Info"}:
        total, size, added = _xing(data, tag + 4)
        # The frame of the header is counted among the bytes and not among the frames.
        bit_rate = round(max(0, size - frame.size) * 8 * frame.sample_rate / (total * frame.samples))
        duration = (total * frame.samples - added) / frame.sample_rate
    elif data[_VBRI_OFFSET : _VBRI_OFFSET + 4] == b"VBRI":
        total, size = _vbri(data)
        duration = total * frame.samples / frame.sample_rate
        bit_rate = int(size * 8 / duration)
    else:
        duration, bit_rate = _measured(source, data, position, end)
        return Sound("MP3", "MP3", duration, bit_rate, frame.sample_rate, frame.channels)
    stated, there = duration * bit_rate / 8, end - position
    is_guess = kind in {b"Xing", b"Info"} and math.isclose(stated, source.size - position)
    is_cut_or_joined = abs(there - stated) > _STATED_SHARE * there + _STATED_BYTES
    if stated <= 0 or is_cut_or_joined or is_guess:
        raise NotPlainError  # exactly what the file has, it looks like a guess
    return Sound("MP3", "MP3", duration, bit_rate, frame.sample_rate, frame.channels)


class _Frame(NamedTuple):
    size: int  # bytes
    samples: int
    sample_rate: int  # Hz
    channels: int
    tag_offset: int  # of a Xing header in it


def _frame(data: bytes, offset: int) -> _Frame:
    """Return the frame that begins at an offset."""
    (header,) = _uint32(data, offset)
    version_bits, layer_bits = header >> 19 & 3, header >> 17 & 3
    rate_bits, frequency_bits = header >> 12 & 15, header >> 10 & 3
    if header >> 21 != 0x7FF or version_bits == 1 or layer_bits != 1 or rate_bits in {0, 15} or frequency_bits == 3:
        raise NotPlainError
    version, divisor, samples = _VERSIONS[version_bits]
    sample_rate = _RATES_HZ[frequency_bits] // divisor
    size = samples // 8 * 1000 * _KILOBITS[version][rate_bits] // sample_rate + (header >> 9 & 1)
    channels = 1 if header >> 6 & 3 == _MONO else 2
    return _Frame(size, samples, sample_rate, channels, 4 + _SIDE_BYTES[version, channels])


def _measured(source: Source, data: bytes, position: int, end: int) -> tuple[float, int]:
    """Return duration in seconds and bit rate of a stream without a header for the whole."""
    if any(name in data for name in (b"Xing", b"Info", b"VBRI")):
        raise NotPlainError
    offset = 0
    for _ in range(_FRAMES_IN_A_ROW):
        offset += _frame(data, offset).size
    stream = measure_mpeg(source.descriptor, position, end)
    if stream is None or stream.duration <= 0:
        raise NotPlainError
    return stream.duration, round(8 * stream.size / stream.duration)


def _xing(frame: bytes, position: int) -> tuple[int, int, int]:
    """Return frames, bytes, and the samples that the encoder added at both ends."""
    flags, total, size = _uint32s(frame, position)
    if not (flags & _HAS_FRAMES and flags & _HAS_BYTES and total and size):
        raise NotPlainError
    position += 12
    if flags & _HAS_TOC:
        position += _TOC_BYTES
    if flags & _HAS_QUALITY:
        position += 4
    return total, size, _lame_delays(frame[position : position + _LAME_VERSION_BYTES + _LAME_TAG_BYTES])


def _lame_delays(tag: bytes) -> int:
    """Return the samples that LAME says it added at both ends; 0 if it does not say."""
    if not tag.startswith((b"LAME", b"L3.99")):
        return 0
    minor = tag[6:9] if tag[8:9].isdigit() else tag[6:8]
    is_known_form = tag.startswith(b"LAME3.") and minor.isdigit() and len(tag) == _LAME_VERSION_BYTES + _LAME_TAG_BYTES
    if not is_known_form or int(minor) <= _OLDEST_LAME_WITH_DELAY or tag[9] >> 4:
        raise NotPlainError
    delays = int.from_bytes(tag[21:24], "big")
    return (delays >> 12) + (delays & 0xFFF)


def _vbri(frame: bytes) -> tuple[int, int]:
    """Return frames and bytes."""
    version, size, total, entries, _, entry_bytes = _vbri_header(frame, _VBRI_OFFSET + 4)
    end = _VBRI_OFFSET + 26 + entries * entry_bytes
    if version != 1 or not total or entry_bytes not in {2, 4} or end > len(frame):
        raise NotPlainError
    return total, size
