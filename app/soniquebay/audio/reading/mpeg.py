"""Frames of MPEG audio and of AAC in ADTS: how long a stream is that no header tells the length of.

Sources: ISO/IEC 11172-3 and 13818-3, section 2.4.2.3 (frame header); ISO/IEC 13818-7, section 6.2 (ADTS).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

_CHUNK_BYTES = 1 << 18
_HEADER_BYTES = 4
_SAMPLED_PLACES = 16
_SAMPLE_BYTES = 1 << 13
_FRAMES_A_PLACE = 4  # consecutive ones, so that no accident looks like a frame
_MAX_COUNTED_BYTES = 1 << 28  # of a longer stream only places are looked at

_KILOBITS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = (44100, 48000, 32000)
_ADTS_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_ADTS_CHANNELS = (None, 1, 2, 3, 4, 5, 6, 8)
_ADTS_HEADER_BYTES = 7
_ADTS_RATE_BITS = 0x3C  # in the third byte
_ADTS_BLOCK_SAMPLES = 1024


@dataclass(frozen=True, slots=True)
class Stream:
    """What a walk over the frames found."""

    duration: float  # seconds
    size: int  # bytes of all frames
    sample_rate: int  # Hz
    channels: int | None = None


def _frame_lengths() -> dict[int, tuple[int, int, int]]:
    """Return for the second and third byte of each valid header the length in bytes, samples and sample rate in Hz.

    Free-format frames are left out: their length is not stated.
    """
    lengths = {}
    for version_bits, version, divisor in ((3, 1, 1), (2, 2, 2), (0, 2, 4)):
        for layer in (1, 2, 3):
            samples = 384 if layer == 1 else 576 if layer == 3 and version == 2 else 1152
            slot = 4 if layer == 1 else 1
            for number, kilobits in enumerate(_KILOBITS[version, layer], 1):
                for rate_bits, full_rate in enumerate(_RATES_HZ):
                    rate = full_rate // divisor
                    for low_bits in range(4):  # padding, private
                        padding = low_bits >> 1
                        length = (samples // 8 // slot * kilobits * 1000 // rate + padding) * slot
                        for protection in (0, 1):
                            second = 0xE0 | version_bits << 3 | (4 - layer) << 1 | protection
                            third = number << 4 | rate_bits << 2 | low_bits
                            lengths[second << 8 | third] = (length, samples, rate)
    return lengths


_LENGTHS = _frame_lengths()
_SAME_STREAM = 0xFE0C  # version, layer and sample rate


def measure_mpeg(descriptor: int, start: int, end: int) -> Stream | None:
    """Return the length of the MPEG audio from `start`, where a frame begins, to `end`; None if there is no frame.

    Where all places that are looked at have one bit rate, the stream has it. Else all frames are counted.
    """
    header = os.pread(descriptor, _HEADER_BYTES, start)
    if len(header) < _HEADER_BYTES or (header[1] << 8 | header[2]) not in _LENGTHS:
        return None
    stream_key = (header[1] << 8 | header[2]) & _SAME_STREAM
    size = end - start
    rates = set(_sampled_bit_rates(descriptor, start, end, stream_key))
    sample_rate = _LENGTHS[header[1] << 8 | header[2]][2]
    if rates and (len(rates) == 1 or size > _MAX_COUNTED_BYTES):
        return Stream(8 * size * len(rates) / sum(rates), size, sample_rate)
    samples, frame_bytes = _count_mpeg(descriptor, start, end, stream_key)
    return Stream(samples / sample_rate, frame_bytes, sample_rate)


def _sampled_bit_rates(descriptor: int, start: int, end: int, stream_key: int) -> Iterator[float]:
    """Yield the bit rate in bits a second of some frames at each of `_SAMPLED_PLACES`."""
    for place in range(_SAMPLED_PLACES):
        offset = start + (end - start) * place // _SAMPLED_PLACES
        data = os.pread(descriptor, min(_SAMPLE_BYTES, end - offset), offset)
        position = data.find(b"\xff")
        while position >= 0:
            found = list(_bit_rates_at(data, position, stream_key))
            if len(found) == _FRAMES_A_PLACE:
                yield from found
                break
            position = data.find(b"\xff", position + 1)


def _bit_rates_at(data: bytes, position: int, stream_key: int) -> Iterator[float]:
    for _ in range(_FRAMES_A_PLACE):
        if position + _HEADER_BYTES > len(data) or data[position] != 0xFF:
            return
        key = data[position + 1] << 8 | data[position + 2]
        frame = _LENGTHS.get(key)
        if frame is None or key & _SAME_STREAM != stream_key:
            return
        version = 1 if key >> 11 & 3 == 3 else 2
        yield 1000 * _KILOBITS[version, 4 - (key >> 9 & 3)][(key >> 4 & 15) - 1]
        position += frame[0]


def _count_mpeg(descriptor: int, start: int, end: int, stream_key: int) -> tuple[int, int]:
    """Return the samples and the bytes of all frames. What is no frame is skipped."""
    lengths = {key: entry[:2] for key, entry in _LENGTHS.items() if key & _SAME_STREAM == stream_key}
    samples = size = 0
    offset = start
    while data := os.pread(descriptor, min(_CHUNK_BYTES, end - offset), offset):
        position = 0
        last = len(data) - _HEADER_BYTES
        while position <= last:
            frame = lengths.get(data[position + 1] << 8 | data[position + 2]) if data[position] == 0xFF else None
            if frame is None:
                position = _next_sync(data, position + 1)
                continue
            size += frame[0]
            samples += frame[1]
            position += frame[0]
        if position == 0:
            break  # too little is left for a header
        offset += position
        if offset >= end:
            break
    return samples, size


def _next_sync(data: bytes, start: int) -> int:
    """Return where the next byte is with which a header may begin; the length of the data if there is none."""
    found = data.find(b"\xff", start)
    return found if found >= 0 else len(data)


def measure_adts(descriptor: int, start: int, end: int) -> Stream | None:
    """Return the length of the AAC in ADTS between two positions; None unless frames follow one another there."""
    first = _first_adts(os.pread(descriptor, min(_CHUNK_BYTES, end - start), start))
    if first is None:
        return None
    skipped, rate_bits, channels = first
    blocks = size = 0
    offset = start + skipped
    while data := os.pread(descriptor, min(_CHUNK_BYTES, end - offset), offset):
        position = 0
        last = len(data) - _ADTS_HEADER_BYTES
        while position <= last:
            length = _adts_length(data, position)
            if not length or data[position + 2] & _ADTS_RATE_BITS != rate_bits:
                position = _next_sync(data, position + 1)
                continue
            blocks += (data[position + 6] & 3) + 1
            size += length
            position += length
        if position == 0:
            break
        offset += position
        if offset >= end:
            break
    sample_rate = _ADTS_RATES_HZ[rate_bits >> 2]
    return Stream(blocks * _ADTS_BLOCK_SAMPLES / sample_rate, size, sample_rate, channels)


def _adts_length(data: bytes, position: int) -> int:
    """Return the length in bytes of the ADTS frame at a position; 0 if none begins there."""
    if data[position] != 0xFF or data[position + 1] & 0xF6 != 0xF0:
        return 0
    length = (data[position + 3] & 3) << 11 | data[position + 4] << 3 | data[position + 5] >> 5
    return length if length >= _ADTS_HEADER_BYTES else 0


def _first_adts(data: bytes) -> tuple[int, int, int | None] | None:
    """Return position, the bits of the sample rate and channels of the first of some frames that follow one another."""
    start = _next_sync(data, 0)
    while start + _ADTS_HEADER_BYTES <= len(data):
        position = start
        count = 0
        while count < _FRAMES_A_PLACE and position + _ADTS_HEADER_BYTES <= len(data):
            length = _adts_length(data, position)
            if not length:
                break
            position += length
            count += 1
        # A stream of few frames is one if they end where the data ends.
        if count == _FRAMES_A_PLACE or (count and position == len(data)):
            rate_bits = data[start + 2] & _ADTS_RATE_BITS
            if rate_bits >> 2 < len(_ADTS_RATES_HZ):
                return start, rate_bits, _ADTS_CHANNELS[(data[start + 2] & 1) << 2 | data[start + 3] >> 6]
        start = _next_sync(data, start + 1)
    return None
