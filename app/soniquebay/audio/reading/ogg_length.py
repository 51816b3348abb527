"""The length of an Ogg file of several streams, one after the other (RFC 3533, section 6: the page header)."""

import os
import struct

_PAGE_HEADER = struct.Struct("<4sBBqIIIB")  # capture, version, flags, position, serial, sequence, checksum, segments
_FIRST_PAGE = 0x02
_MAX_PAGES = 1_000_000
_MAX_SEGMENTS = 255
_FIRST_PACKET_BYTES = 24
_OPUS_RATE_HZ = 48000
_NO_POSITION = -1


def last_serial(tail: bytes) -> int | None:
    """Return the serial number of the last page that begins in the end of a file; None if none does."""
    at = tail.rfind(b"OggS")
    return struct.unpack_from("<I", tail, at + 14)[0] if 0 <= at <= len(tail) - 18 else None


def chained_duration(descriptor: int, file_bytes: int) -> float:
    """Return the seconds of all streams of Vorbis and Opus in a file, which is read page by page."""
    seconds = 0.0
    rates: dict[int, tuple[int, int]] = {}  # of the streams so far: Hz, and samples to skip at the beginning
    ends: dict[int, int] = {}
    position = 0
    for _ in range(_MAX_PAGES):
        header = os.pread(descriptor, _PAGE_HEADER.size + _MAX_SEGMENTS, position) if position < file_bytes else b""
        if len(header) < _PAGE_HEADER.size or not header.startswith(b"OggS"):
            break
        _, _, flags, granule, serial, _, _, segments = _PAGE_HEADER.unpack_from(header)
        content = position + _PAGE_HEADER.size + segments
        if flags & _FIRST_PAGE:
            seconds += _ended(rates.pop(serial, None), ends.pop(serial, 0))  # a serial number may come again
            rate = _rate(os.pread(descriptor, _FIRST_PACKET_BYTES, content))
            if rate is not None:
                rates[serial] = rate
        elif granule > _NO_POSITION:
            ends[serial] = granule
        position = content + sum(header[_PAGE_HEADER.size : _PAGE_HEADER.size + segments])
    return seconds + sum(_ended(rate, ends.get(serial, 0)) for serial, rate in rates.items())


def _rate(packet: bytes) -> tuple[int, int] | None:
    """Return sample rate (Hz) and samples to skip of the stream that a packet begins; None for another codec."""
    if packet.startswith(b"\x01vorbis") and len(packet) >= 16:
        return struct.unpack_from("<I", packet, 12)[0], 0
    if packet.startswith(b"OpusHead") and len(packet) >= 12:
        return _OPUS_RATE_HZ, struct.unpack_from("<H", packet, 10)[0]
    return None


def _ended(rate: tuple[int, int] | None, end: int) -> float:
    return max(0, end - rate[1]) / rate[0] if rate and rate[0] else 0.0
