"""Compress large messages, and only those. The size of the serialised body decides, so nothing is serialised twice."""

import zlib

from kombu import compression

COMPRESSION = "gzip-large"
MAX_UNCOMPRESSED_BYTES = 8192  # below, compression costs more time than the memory in Redis is worth
_LEVEL = 1  # paths and tags shrink to a fifth at the first level, and hardly more at the sixth
_ZLIB_FIRST_BYTE = b"\x78"  # no JSON text begins with it


def pack(body: bytes) -> bytes:
    """Compress a large body by zlib; return a small one as it is."""
    return zlib.compress(body, _LEVEL) if len(body) > MAX_UNCOMPRESSED_BYTES else body


def unpack(body: bytes) -> bytes:
    """Undo `pack`."""
    return zlib.decompress(body) if body[:1] == _ZLIB_FIRST_BYTE else body


compression.register(pack, unpack, "application/x-gzip-large", aliases=[COMPRESSION])
