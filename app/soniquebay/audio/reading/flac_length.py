"""The length of a FLAC stream whose header does not tell it, as an encoder that writes to a pipe cannot.

Source: RFC 9639, section 9.1 (frame header).
"""

_SYNC = b"\xff"
_BLOCK_SIZES = {1: 192, **{n: 576 << (n - 2) for n in range(2, 6)}, **{n: 256 << (n - 8) for n in range(8, 16)}}
_SAMPLE_SIZES = {1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}
_RATES_HZ = {
    1: 88200, 2: 176400, 3: 192000, 4: 8000, 5: 16000, 6: 22050, 7: 24000, 8: 32000, 9: 44100, 10: 48000, 11: 96000,
}  # fmt: skip
_BYTES_AFTER_RATE = {12: 1, 13: 2, 14: 2}
_MAX_HEADER_BYTES = 16


def _crc8(data: bytes) -> int:
    """Return the CRC of RFC 9639, section 9.1.8: polynomial x^8 + x^2 + x + 1, from 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ (0x107 if crc & 0x80 else 0)
    return crc


def last_sample(tail: bytes, sample_rate: int, block_size: int) -> int:
    """Return how many samples a stream has up to the end of its last frame; 0 if no frame is found.

    `tail` is the end of the file; the other values are those of STREAMINFO (Hz; samples of the largest block).
    """
    position = len(tail)
    while (position := tail.rfind(_SYNC, 0, position)) >= 0:
        if position + 1 < len(tail) and tail[position + 1] & 0xFE == 0xF8:
            end = _frame_end(tail[position : position + _MAX_HEADER_BYTES], sample_rate, block_size)
            if end:
                return end
    return 0


def _frame_end(header: bytes, sample_rate: int, block_size: int) -> int:
    """Return the number of the first sample behind a frame; 0 if the bytes are no header of this stream."""
    if len(header) < _MAX_HEADER_BYTES:
        header = header.ljust(_MAX_HEADER_BYTES, b"\0")
    size_bits, rate_bits = header[2] >> 4, header[2] & 15
    channels, sample_size, reserved = header[3] >> 4, header[3] >> 1 & 7, header[3] & 1
    if reserved or channels > 10 or sample_size == 3 or size_bits == 0 or rate_bits == 15:
        return 0
    if _RATES_HZ.get(rate_bits, sample_rate) != sample_rate:
        return 0
    number, position = _coded_number(header)
    if number < 0:
        return 0
    if size_bits in {6, 7}:
        width = size_bits - 5
        samples = int.from_bytes(header[position : position + width], "big") + 1
        position += width
    else:
        samples = _BLOCK_SIZES[size_bits]
    position += _BYTES_AFTER_RATE.get(rate_bits, 0)
    if samples > block_size or _crc8(header[:position]) != header[position]:
        return 0
    has_variable_blocks = header[1] & 1
    return samples + (number if has_variable_blocks else number * block_size)


def _coded_number(header: bytes) -> tuple[int, int]:
    """Return the frame or sample number, coded as UTF-8 codes characters, and where it ends; -1 if it is invalid."""
    first = header[4]
    if first < 0x80:
        return first, 5
    following = 0
    while first & (0x40 >> following):
        following += 1
    if not 1 <= following <= 6:
        return -1, 5
    number = first & (0x3F >> following)
    for byte in header[5 : 5 + following]:
        if byte & 0xC0 != 0x80:
            return -1, 5
        number = number << 6 | byte & 0x3F
    return number, 5 + following
