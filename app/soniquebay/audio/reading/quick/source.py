"""An open file of which little is read."""

import os

_HEAD_BYTES = 16 << 10  # the tags of most files without their pictures
_CHUNK_BYTES = 8 << 10


class NotPlainError(Exception):
    """A file has something unusual, which mutagen is to read."""


class Source:
    """A regular file. `head` are its first bytes; what was read last is kept, for what is asked for next."""

    __slots__ = ("_start", "_window", "descriptor", "head", "size")

    def __init__(self, descriptor: int, size: int) -> None:
        """Read the first bytes; `size` is that of the file. Raises `OSError`."""
        self.descriptor = descriptor
        self.size = size
        self.head = self._window = os.pread(descriptor, _HEAD_BYTES, 0)
        self._start = 0

    def read(self, offset: int, count: int) -> bytes:
        """Return `count` bytes. Raises `NotPlainError` where the file has less, and `OSError`."""
        start = offset - self._start
        if start < 0 or start + count > len(self._window):
            if offset + count > self.size:
                raise NotPlainError
            self._window = os.pread(self.descriptor, max(count, _CHUNK_BYTES), offset)
            self._start, start = offset, 0
            if count > len(self._window):
                raise NotPlainError
        return self._window[start : start + count]

    def read_up_to(self, offset: int, count: int) -> bytes:
        """Return `count` bytes, or less where the file ends before. Raises as `read` does."""
        return self.read(offset, min(count, max(self.size - offset, 0)))
