"""Ogg with one stream of Vorbis or Opus.

Sources: RFC 3533 (pages), the Ogg Vorbis I specification (sections 4.2, 5 and A.2), RFC 7845 (Opus in Ogg).
"""

from struct import Struct

from soniquebay.audio.reading.quick import vorbis
from soniquebay.audio.reading.quick.source import NotPlainError, Source
from soniquebay.audio.reading.raw import RawContent, Sound

_CAPTURE = b"OggS"
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_HEADER_BYTES = 27
_FULL_SEGMENT = b"\xff"
_MAX_PAGE_BYTES = _HEADER_BYTES + 255 + 255 * 255
_CHUNK_BYTES = 128 << 10  # of pages with comments: more than one page
_TAIL_BYTES = 8 << 10  # the last page is hardly ever longer
_OPUS_RATE_HZ = 48_000  # of granule positions, whatever the sound was sampled at

_page_header = Struct(
    "<4sBBqIIIB"
).unpack_from  # capture, version, flags, granule position, serial, number, CRC, segments
_vorbis_header = Struct("<IBI").unpack_from  # version, channels, sample rate
_opus_header = Struct("<BBH").unpack_from  # version, channels, pre-skip


def read(source: Source) -> RawContent:
    """Return what the file says. Raises `NotPlainError`."""
    head = source.head
    _, version, flags, granule, serial, number, _, segments = _page_header(head, 0)
    size = head[_HEADER_BYTES]
    if version or flags != _FIRST or granule or number or segments != 1 or size == 255:
        raise NotPlainError
    start = _HEADER_BYTES + 1
    packet = head[start : start + size]
    if packet.startswith(b"\x01vorbis") and size >= 30:
        _, channels, sample_rate = _vorbis_header(packet, 7)
        if not sample_rate or not channels:
            raise NotPlainError
        comments, end = _second_packet(source, start + size, serial)
        if not comments.startswith(b"\x03vorbis"):
            raise NotPlainError
        tags, has_picture, comments_end = vorbis.parse(comments, 7)
        if not comments[comments_end] & 1:  # the framing bit
            raise NotPlainError
        duration = _last_granule(source, end, serial) / sample_rate
        names = ("Ogg Vorbis", "Vorbis")
    elif packet.startswith(b"OpusHead") and size >= 19:
        opus_version, channels, pre_skip = _opus_header(packet, 8)
        if opus_version >> 4 or not channels:
            raise NotPlainError
        sample_rate = _OPUS_RATE_HZ
        comments, end = _second_packet(source, start + size, serial)
        if not comments.startswith(b"OpusTags"):
            raise NotPlainError
        tags, has_picture, _ = vorbis.parse(comments, 8)
        duration = (_last_granule(source, end, serial) - pre_skip) / _OPUS_RATE_HZ
        names = ("Opus", "Opus")
    else:
        raise NotPlainError
    bit_rate = round((source.size - end) * 8 / duration) if duration > 0 else 0
    if not bit_rate:
        raise NotPlainError
    return RawContent("vorbis", tags, Sound(*names, duration, bit_rate, sample_rate, channels), has_picture)


def _second_packet(source: Source, position: int, serial: int) -> tuple[bytes, int]:
    """Return the packet that begins with the page at a position, and the end of the page on which the packet ends."""
    parts: list[bytes] = []
    total = 0
    number = 1
    window, base = source.head, 0
    while True:
        offset = position - base
        if offset + _MAX_PAGE_BYTES > len(window) and base + len(window) < source.size:
            window, base, offset = source.read_up_to(position, _CHUNK_BYTES), position, 0
        capture, version, flags, _, page_serial, page_number, _, segments = _page_header(window, offset)
        expected = _CONTINUED if parts else 0
        if capture != _CAPTURE or version or flags != expected or page_serial != serial or page_number != number:
            raise NotPlainError
        start = offset + _HEADER_BYTES + segments
        lacing = window[offset + _HEADER_BYTES : start]
        rest = lacing.lstrip(_FULL_SEGMENT)  # the packet ends with the first segment that is not full
        size = 255 * (segments - len(rest)) + (rest[0] if rest else 0)
        end = start + sum(lacing)
        total += size
        if not segments or end > len(window) or total > vorbis.MAX_COMMENT_BYTES:
            raise NotPlainError
        parts.append(window[start : start + size])
        position = base + end
        number += 1
        if rest:
            return b"".join(parts), position


def _last_granule(source: Source, start: int, serial: int) -> int:
    """Return the granule position of the last page, which lies behind `start` and ends the stream and the file."""
    for size in (_TAIL_BYTES, _MAX_PAGE_BYTES):
        tail = source.read_up_to(max(start, source.size - size), size)
        offset = tail.rfind(_CAPTURE)
        if offset >= 0:
            break
    if offset < 0:
        raise NotPlainError
    _, version, flags, granule, page_serial, _, _, segments = _page_header(tail, offset)
    body = offset + _HEADER_BYTES + segments
    is_end = body + sum(tail[offset + _HEADER_BYTES : body]) == len(tail)
    if version or not flags & _LAST or page_serial != serial or not is_end:
        raise NotPlainError
    return int(granule)
