"""How a message is packed: gzip where it is large, decided on the bytes themselves, so nothing is serialised twice."""

import zlib

from kombu import compression

COMPRESSION = "gzip-large"
COMPRESS_ABOVE = 8192  # bytes; below, gzip's time costs more than the memory of Redis it saves
_LEVEL = 1  # paths and tags shrink to a fifth at the first level, and hardly more at the sixth
_GZIP_LIKE = b"\x78"  # zlib's first byte; no JSON text begins with it


def pack(body: bytes) -> bytes:
    """Compress a body that is large."""
    return zlib.compress(body, _LEVEL) if len(body) > COMPRESS_ABOVE else body


def unpack(body: bytes) -> bytes:
    """Undo `pack`."""
    return zlib.decompress(body) if body[:1] == _GZIP_LIKE else body


compression.register(pack, unpack, "application/x-gzip-large", aliases=[COMPRESSION])
