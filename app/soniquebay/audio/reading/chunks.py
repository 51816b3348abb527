"""Files made of chunks: where each chunk lies, without reading it."""

import os
import struct
from collections.abc import Iterator

_MAX_CHUNKS = 10_000
_GUID_HEADER_BYTES = 24


def chunks(descriptor: int, start: int, end: int, size_format: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield identifier, offset and size in bytes of each chunk's data between two positions.

    `size_format` is that of `struct` for the size: "<I" in RIFF, ">I" in AIFF, ">Q" in DSDIFF. A size that reaches
    beyond the end is yielded as it is stated, and ends the walk.
    """
    header_bytes = 4 + struct.calcsize(size_format)
    position = start
    for _ in range(_MAX_CHUNKS):
        header = os.pread(descriptor, header_bytes, position) if position < end else b""
        if len(header) < header_bytes:
            return
        (size,) = struct.unpack_from(size_format, header, 4)
        yield header[:4], position + header_bytes, size
        position += header_bytes + size + size % 2


def guid_chunks(descriptor: int, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the same of a Wave64 file, whose chunks are named by GUIDs, by their first four bytes."""
    position = start
    for _ in range(_MAX_CHUNKS):
        header = os.pread(descriptor, _GUID_HEADER_BYTES, position) if position < end else b""
        if len(header) < _GUID_HEADER_BYTES:
            return
        (size,) = struct.unpack_from("<Q", header, 16)  # with its header
        if size < _GUID_HEADER_BYTES:
            return
        yield header[:4], position + _GUID_HEADER_BYTES, size - _GUID_HEADER_BYTES
        position += (size + 7) & ~7
