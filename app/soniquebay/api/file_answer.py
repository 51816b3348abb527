"""An answer that is a file or a range of it, read in threads of its own: a drive that hangs holds up nothing else."""

import logging
import os
import stat
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import cached_property, partial
from typing import Any, Self

import anyio
from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from soniquebay.api.etags import has_tag
from soniquebay.audio.open_flags import READ_FLAGS

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 << 10
MAX_READING_THREADS = 16  # a read from a drive that does not answer holds one until it does
READ_TIMEOUT_SECONDS = 20.0  # a disk that spins up takes ten
_LAST_SECOND = 253_402_300_799  # of the year 9999


class FileAnswerError(Exception):
    """A file cannot be the answer: it cannot be read, is no regular file, has changed, or its drive does not answer."""


@dataclass(frozen=True)
class OpenFile:
    """A regular file that is open, as it was at that moment."""

    descriptor: int
    size: int  # bytes
    mtime_ns: int

    @classmethod
    def open(cls, path: bytes) -> Self:
        """Open a file. Raises `FileAnswerError`."""
        try:
            descriptor = os.open(path, READ_FLAGS)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise FileAnswerError(getattr(error, "strerror", None) or str(error)) from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise FileAnswerError("not a regular file")
        return cls(descriptor, status.st_size, status.st_mtime_ns)

    def read(self, offset: int, count: int) -> bytes:
        """Return `count` bytes. Raises `FileAnswerError` when the file has changed, and ``OSError``."""
        status = os.fstat(self.descriptor)
        data = os.pread(self.descriptor, count, offset)
        if (status.st_size, status.st_mtime_ns) != (self.size, self.mtime_ns) or len(data) != count:
            raise FileAnswerError("it has changed")
        return data

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)

    @property
    def etag(self) -> str:
        """A strong entity tag: another one after any change."""
        return f'"{self.size:x}-{self.mtime_ns:x}"'

    @property
    def last_modified(self) -> str:
        """The modification time as HTTP writes it, within the years that it can write."""
        return formatdate(min(max(self.mtime_ns // 10**9, 0), _LAST_SECOND), usegmt=True)


class Reader:
    """Opens and reads files in at most `MAX_READING_THREADS` threads."""

    @cached_property
    def _limiter(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(MAX_READING_THREADS)

    async def open(self, path: bytes) -> OpenFile:
        """Open a file. Raises `FileAnswerError`."""
        abandoned = threading.Event()

        def open_file() -> OpenFile:
            file = OpenFile.open(path)
            if abandoned.is_set():  # nobody waits for it any more
                file.close()
            return file

        try:
            with anyio.fail_after(READ_TIMEOUT_SECONDS):
                return await to_thread.run_sync(open_file, abandon_on_cancel=True, limiter=self._limiter)
        except TimeoutError as error:
            raise FileAnswerError("its drive does not answer") from error
        finally:
            abandoned.set()

    async def read(self, file: OpenFile, offset: int, count: int) -> bytes:
        """Return `count` bytes of a file. Raises `FileAnswerError`."""
        read = partial(file.read, offset, count)
        try:
            with anyio.fail_after(READ_TIMEOUT_SECONDS):
                return await to_thread.run_sync(read, abandon_on_cancel=True, limiter=self._limiter)
        except TimeoutError as error:
            raise FileAnswerError("its drive does not answer") from error
        except OSError as error:  # the drive was pulled out
            raise FileAnswerError(error.strerror or str(error)) from error


def requested_range(headers: Headers, file: OpenFile) -> tuple[int, int] | None:
    """Return the first byte and the end of the range that a request asks for (RFC 9110, 14.2); None for the whole file.

    What is not one range of bytes is ignored, as the RFC allows, and so is a range of another version of the file
    (``If-Range``). Raises `ValueError` when the file has no byte of the range.
    """
    condition = headers.get("if-range")
    if condition is not None and condition not in {file.etag, file.last_modified}:
        return None
    unit, _, text = headers.get("range", "").partition("=")
    first, dash, last = (part.strip() for part in text.partition("-"))
    if unit.strip().lower() != "bytes" or not dash or not _is_number(first) or not _is_number(last):
        return None
    if first:
        begin, end = int(first), min(int(last) + 1, file.size) if last else file.size
        if last and int(last) < begin:
            return None
    elif last:
        begin, end = max(file.size - int(last), 0), file.size
    else:
        return None
    if begin >= end:
        raise ValueError("the range lies behind the end of the file")
    return begin, end


def _is_number(text: str) -> bool:
    return not text or (text.isascii() and text.isdecimal() and len(text) < 20)


def file_answer(
    request: Request, reader: Reader, file: OpenFile, media_type: str, headers: Mapping[str, str]
) -> Response:
    """Return the answer to a GET or HEAD request for an open file: 200, 206, 304 or 416. It closes the file.

    `headers` are added to its own. A file that cannot be read to its end has the connection closed early.
    """
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": file.etag,
        "Last-Modified": file.last_modified,
        # A track can get another file, so a browser asks again, with the ETag that it has.
        "Cache-Control": "private, no-cache",
        **headers,
    }
    if has_tag(request.headers.get("if-none-match"), file.etag):
        file.close()
        return Response(status_code=304, headers=headers)
    try:
        wanted = requested_range(request.headers, file)
    except ValueError as error:
        file.close()
        headers["Content-Range"] = f"bytes */{file.size}"
        return JSONResponse({"detail": str(error)}, status_code=416, headers=headers)
    begin, end = wanted or (0, file.size)
    status = 206 if wanted else 200
    headers["Content-Length"] = str(end - begin)
    if wanted:
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{file.size}"
    if request.method == "HEAD":
        file.close()
        return Response(status_code=status, headers=headers, media_type=media_type)
    return _FileBody(reader, file, begin, end, status_code=status, headers=headers, media_type=media_type)


class _FileBody(StreamingResponse):
    """The bytes of an open file from `begin` to `end`; it closes the file."""

    def __init__(self, reader: Reader, file: OpenFile, begin: int, end: int, **arguments: Any) -> None:
        super().__init__(self._chunks(reader, file, begin, end), **arguments)
        self._file = file

    @staticmethod
    async def _chunks(reader: Reader, file: OpenFile, begin: int, end: int) -> AsyncIterator[bytes]:
        for offset in range(begin, end, CHUNK_BYTES):
            yield await reader.read(file, offset, min(CHUNK_BYTES, end - offset))

    async def stream_response(self, send: Send) -> None:
        """Send the answer, as far as the file can be read."""
        try:
            await super().stream_response(send)
        except FileAnswerError as error:
            # The server closes the connection of an answer that ends early, so the player knows.
            log.warning("a track stops playing, because its file cannot be read any more: %s", error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer until the client goes."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()
