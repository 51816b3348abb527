"""Streams that were transcoded to their end, kept as files within a budget, to be sent again without a transcoder."""

import contextlib
import hashlib
import logging
import os
import threading
import time
from pathlib import Path

import soniquebay
from soniquebay.api.file_answer import FileAnswerError, OpenFile
from soniquebay.transcoding.formats import Job

log = logging.getLogger(__name__)

_UNFINISHED = ".part"


def cache_key(path: bytes, file: OpenFile, job: Job) -> str:
    """Return the name of the stream that a job makes of a file: another one for a changed file and another release."""
    parts = (path, str((file.size, file.mtime_ns, soniquebay.__version__)).encode(), job.to_json().encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


class TranscodedCache:
    """A folder of complete streams. What was not used for longest is deleted first. Its methods wait for the disk."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Take over a folder: delete what is unfinished or over the budget. With `max_bytes` 0 nothing is kept."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._recorded: set[str] = set()
        if folder.is_dir():
            for unfinished in folder.glob(f"*{_UNFINISHED}"):
                unfinished.unlink(missing_ok=True)
            self._make_room(0)

    @property
    def is_on(self) -> bool:
        """Whether anything is kept."""
        return self._max_bytes > 0

    def find(self, key: str) -> OpenFile | None:
        """Return the open file of a stream; None when there is none."""
        try:
            file = OpenFile.open(os.fsencode(self._folder / key))
        except FileAnswerError:
            return None
        # Its use is noted as its access time. The modification time is a part of the ETag.
        status = os.fstat(file.descriptor)
        with contextlib.suppress(OSError):
            os.utime(file.descriptor, ns=(time.time_ns(), status.st_mtime_ns))
        return file

    def record(self, key: str) -> "Recording | None":
        """Return what records a stream while it is sent; None when it is recorded already, or cannot be."""
        with self._lock:
            if not self.is_on or key in self._recorded:
                return None
            self._recorded.add(key)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Recording(self, key, self._folder / f"{key}{_UNFINISHED}", self._max_bytes)
        except OSError as error:
            log.warning("transcoded streams cannot be kept in %s: %s", self._folder, error.strerror)
            self.forget(key)
            return None

    def keep(self, key: str, unfinished: Path, size: int) -> None:
        """Take in a complete stream of so many bytes. Raises ``OSError``."""
        with self._lock:
            self._make_room(size, unfinished)
            unfinished.rename(self._folder / key)

    def forget(self, key: str) -> None:
        """Note that a stream is no longer recorded."""
        with self._lock:
            self._recorded.discard(key)

    def _make_room(self, more_bytes: int, new: Path | None = None) -> None:
        """Delete streams until there are so many bytes more within the budget."""
        streams = [(path.stat(), path) for path in self._folder.iterdir() if path != new and path.suffix != _UNFINISHED]
        streams.sort(key=lambda stream: stream[0].st_atime_ns)
        total = sum(status.st_size for status, _ in streams) + more_bytes
        for status, path in streams:
            if total <= self._max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= status.st_size


class Recording:
    """A stream that is written into the cache while it is sent. It counts only once it is complete."""

    def __init__(self, cache: TranscodedCache, key: str, path: Path, max_bytes: int) -> None:
        self._cache = cache
        self._key = key
        self._path = path
        self._max_bytes = max_bytes
        self._size = 0
        self._file = path.open("wb", buffering=0)
        self._is_whole = True

    def write(self, data: bytes) -> None:
        """Add the next piece. A stream that is larger than the budget, or than the disk, is given up."""
        if not self._is_whole:
            return
        self._size += len(data)
        try:
            self._is_whole = self._size <= self._max_bytes and self._file.write(data) == len(data)
        except OSError as error:
            log.warning("a transcoded stream cannot be kept: %s", error.strerror)
            self._is_whole = False
        if not self._is_whole:
            self._path.unlink(missing_ok=True)

    def close(self, *, complete: bool) -> None:
        """Keep the stream, or delete it when it is not complete."""
        try:
            self._file.close()
            if complete and self._is_whole:
                self._cache.keep(self._key, self._path, self._size)
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("a transcoded stream cannot be kept: %s", error.strerror)
        finally:
            self._cache.forget(self._key)
