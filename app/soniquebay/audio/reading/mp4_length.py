"""The length of a fragmented MP4 file, whose header is written before its length is known.

Source: ISO/IEC 14496-12, sections 8.8 (movie fragments) and 8.16.3 (segment index).
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MAX_BOXES = 200_000  # a fragment has some; a day of music in fragments of two seconds has 43,200
_MAX_READ_BYTES = 1 << 22  # of one fragment's header
_FULL_BOX_BYTES = 4


@dataclass(slots=True)
class _Track:
    id: int
    timescale: int
    default_samples: int  # duration of a sample where nothing else is stated, in units of the time scale
    units: int  # duration of what comes before the fragments, in the same units


def fragments_duration(descriptor: int, file_bytes: int) -> float:
    """Return the seconds of the first sound track of a file with fragments; 0.0 if it has none."""
    track: _Track | None = None
    total = 0
    indexed = 0.0
    for name, offset, size in boxes_in_file(descriptor, file_bytes):
        if name == b"moov":
            track = _sound_track(_read(descriptor, offset, size))
            total = track.units if track else 0
        elif name == b"sidx":
            indexed += _indexed_seconds(_read(descriptor, offset, size))
        elif name == b"moof" and track is not None:
            total += _fragment_units(_read(descriptor, offset, size), track)
    return total / track.timescale if track and total else indexed


def boxes_in_file(descriptor: int, file_bytes: int, start: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, offset and size of the content of each box from `start` on, and not of those within a box."""
    position = start
    for _ in range(_MAX_BOXES):
        header = os.pread(descriptor, 16, position) if position < file_bytes else b""
        if len(header) < 8:
            return
        size, name = struct.unpack_from(">I4s", header)
        head = 8
        if size == 1 and len(header) == 16:
            (size,) = struct.unpack_from(">Q", header, 8)
            head = 16
        elif size == 0:
            size = file_bytes - position
        if size < head:
            return
        yield name, position + head, min(size, file_bytes - position) - head
        position += size


def _read(descriptor: int, offset: int, size: int) -> bytes:
    return os.pread(descriptor, max(0, min(size, _MAX_READ_BYTES)), offset)


def _boxes(data: bytes, start: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and content of each box in the content of another."""
    position = start
    while position + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        if size < 8:
            return
        yield name, data[position + 8 : position + size]
        position += size


def _child(data: bytes, *path: bytes) -> bytes:
    """Return the content of a box within boxes; empty if there is none."""
    for wanted in path:
        data = next((content for name, content in _boxes(data) if name == wanted), b"")
    return data


def _sound_track(moov: bytes) -> _Track | None:
    defaults = {}
    for name, content in _boxes(_child(moov, b"mvex")):
        if name == b"trex" and len(content) >= 24:
            number, _, samples = struct.unpack_from(">III", content, _FULL_BOX_BYTES)
            defaults[number] = samples
    for name, content in _boxes(moov):
        if name != b"trak" or _child(content, b"mdia", b"hdlr")[8:12] != b"soun":
            continue
        header, media = _child(content, b"tkhd"), _child(content, b"mdia", b"mdhd")
        if len(header) < 24 or len(media) < 24:
            continue
        (number,) = struct.unpack_from(">I", header, 20 if header[0] else 12)
        (timescale,) = struct.unpack_from(">I", media, 20 if media[0] else 12)
        if timescale:
            times = _child(content, b"mdia", b"minf", b"stbl", b"stts")
            return _Track(number, timescale, defaults.get(number, 0), _listed_units(times))
    return None


def _listed_units(times: bytes) -> int:
    """Return the duration of all samples in a time-to-sample box (section 8.6.1.2)."""
    count = int.from_bytes(times[4:8], "big")
    starts = range(8, len(times) - 7, 8)[:count]
    return sum(
        int.from_bytes(times[at : at + 4], "big") * int.from_bytes(times[at + 4 : at + 8], "big") for at in starts
    )


def _fragment_units(moof: bytes, track: _Track) -> int:
    """Return the duration of a track in a fragment, in units of its time scale."""
    total = 0
    for name, traf in _boxes(moof):
        if name != b"traf":
            continue
        head = _child(traf, b"tfhd")
        if len(head) < 8 or struct.unpack_from(">I", head, 4)[0] != track.id:
            continue
        default = _default_samples(head, track)
        total += sum(_run_units(run, default) for kind, run in _boxes(traf) if kind == b"trun")
    return total


def _default_samples(head: bytes, track: _Track) -> int:
    flags = int.from_bytes(head[1:4], "big")
    if not flags & 0x08:
        return track.default_samples
    position = 8 + (8 if flags & 0x01 else 0) + (4 if flags & 0x02 else 0)
    return int.from_bytes(head[position : position + 4], "big")


def _run_units(run: bytes, default: int) -> int:
    if len(run) < 8:
        return 0
    flags = int.from_bytes(run[1:4], "big")
    count = int.from_bytes(run[4:8], "big")
    if not flags & 0x100:
        return count * default
    position = 8 + (4 if flags & 0x01 else 0) + (4 if flags & 0x04 else 0)
    width = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    count = min(count, (len(run) - position) // width)
    starts = range(position, position + count * width, width)
    return sum(int.from_bytes(run[at : at + 4], "big") for at in starts)


def _indexed_seconds(sidx: bytes) -> float:
    if len(sidx) < 24:
        return 0.0
    timescale = int.from_bytes(sidx[8:12], "big")
    position = 12 + (16 if sidx[0] else 8) + 2
    if not timescale or position + 2 > len(sidx):
        return 0.0
    (count,) = struct.unpack_from(">H", sidx, position)
    starts = range(position + 2, len(sidx) - 11, 12)[:count]
    units = sum(int.from_bytes(sidx[at + 4 : at + 8], "big") for at in starts)
    return units / timescale
