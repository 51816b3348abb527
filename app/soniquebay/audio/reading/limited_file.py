"""A file of which only so much is read: mutagen takes whatever number of parts a file states."""

from typing import Any, BinaryIO, cast

from soniquebay.audio.reading.errors import UnreadableAudioError

MAX_READ_BYTES = 1 << 27


def limited(file: BinaryIO, max_reads: int) -> BinaryIO:
    """Return a file whose `read` raises `UnreadableAudioError` after so many calls, or after `MAX_READ_BYTES`."""
    return cast("BinaryIO", _LimitedFile(file, max_reads))


class _LimitedFile:
    __slots__ = ("_bytes", "_file", "_reads", "fileno", "seek", "tell")

    def __init__(self, file: BinaryIO, max_reads: int) -> None:
        self._file = file
        self._reads = max_reads
        self._bytes = MAX_READ_BYTES
        self.seek, self.tell, self.fileno = file.seek, file.tell, file.fileno

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size if 0 <= size <= self._bytes else self._bytes + 1)
        self._reads -= 1
        self._bytes -= len(data)
        if self._reads < 0 or self._bytes < 0:
            raise UnreadableAudioError("not readable as audio: it has far more parts than a file of music has")
        return data
