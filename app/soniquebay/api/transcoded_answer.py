"""An answer that a transcoder makes while it is sent."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from soniquebay.api.file_answer import OpenFile
from soniquebay.api.transcoded_cache import Recording
from soniquebay.api.transcoders import (
    CHUNK_BYTES,
    START_TIMEOUT_SECONDS,
    Slot,
    TooManyTranscodersError,
    Transcoder,
    TranscoderError,
    Transcoders,
    UndecodableError,
)
from soniquebay.transcoding.formats import MEDIA_TYPES, Job, estimated_bytes, padding

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5

Record = Callable[[], Recording | None]


def transcoded_answer(
    transcoders: Transcoders,
    file: OpenFile,
    job: Job,
    seconds: float,
    headers: Mapping[str, str],
    *,
    is_head: bool,
    estimate_length: bool,
    record: Record | None = None,
) -> Response:
    """Return the answer to a GET or HEAD request for the transcoded sound of an open file. It closes the file.

    `seconds` is how long the sound will be, `headers` are added to the answer's own. With `estimate_length` the answer
    has a Content-Length, which the body keeps: a shorter stream is filled up, a longer one is cut. `record` begins to
    record the stream for the cache; None: it is not kept.
    """
    length = estimated_bytes(job, seconds) if estimate_length else None
    headers = {
        "Accept-Ranges": "none",
        "Cache-Control": "private, no-cache",
        "X-Content-Duration": f"{seconds:.3f}",
        **({} if length is None else {"Content-Length": str(length)}),
        **headers,
    }
    if is_head:
        file.close()
        return _without_body(headers, MEDIA_TYPES[job.format])
    return _TranscodedBody(transcoders, file, job, headers, length=length, record=record)


def _without_body(headers: Mapping[str, str], media_type: str) -> Response:
    answer = Response(headers=dict(headers), media_type=media_type)
    if "Content-Length" not in headers:
        del answer.headers["content-length"]  # nobody knows it, so it is not 0
    return answer


class _TranscodedBody(Response):
    """The stream of a transcoder, which lives as long as the answer does; it closes the file."""

    def __init__(
        self,
        transcoders: Transcoders,
        file: OpenFile,
        job: Job,
        headers: dict[str, str],
        *,
        length: int | None,
        record: Record | None,
    ) -> None:
        super().__init__(headers=headers, media_type=MEDIA_TYPES[job.format])
        if length is None:
            del self.headers["content-length"]
        self._transcoders = transcoders
        self._file = file
        self._job = job
        self._length = length
        self._record = record

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer until the client goes."""
        try:
            async with anyio.create_task_group() as group:

                async def stop_when_client_goes() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    group.cancel_scope.cancel()

                group.start_soon(stop_when_client_goes)
                await self._answer(scope, receive, send)
                group.cancel_scope.cancel()
        finally:
            self._file.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem: Response
        try:
            async with self._transcoders.slot() as slot:
                transcoder, first = await self._start(slot)
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await self._send_body(transcoder, first, send)
                return
        except TooManyTranscodersError:
            problem = _problem(429, "too many streams are transcoded already")
            problem.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        except UndecodableError as error:
            problem = _problem(422, f"the file cannot be transcoded: {error}")
        except (TranscoderError, OSError) as error:
            log.warning("a transcoder has ended before the first byte: %s", error)
            problem = _problem(503, f"the file cannot be transcoded now: {error}")
        await problem(scope, receive, send)

    async def _start(self, slot: Slot) -> tuple[Transcoder, bytes]:
        """Start a transcoder, and return it with its first bytes: until they are here, an error can be answered."""
        for job in (self._job, replace(self._job, without_metadata=True)):
            transcoder = await slot.start(job, self._file.descriptor)
            try:
                return transcoder, await transcoder.read(START_TIMEOUT_SECONDS)
            except UndecodableError:
                if job.without_metadata:
                    raise
        raise AssertionError("unreachable")

    async def _send_body(self, transcoder: Transcoder, data: bytes, send: Send) -> None:
        recording = None if self._record is None else await run_in_threadpool(self._record)
        complete = False
        try:
            complete = await self._send_stream(transcoder, data, send, recording)
        finally:
            if recording is not None:
                with anyio.CancelScope(shield=True):  # the client may have gone
                    await run_in_threadpool(recording.close, complete=complete)

    async def _send_stream(self, transcoder: Transcoder, data: bytes, send: Send, recording: Recording | None) -> bool:
        """Send what a transcoder makes, from its first piece on; return whether all of it was sent."""
        sent = 0
        try:
            while data:
                if self._length is not None and sent + len(data) > self._length:
                    log.info("a transcoded stream is cut: it is longer than announced")
                    await _send(send, data[: self._length - sent], more=False)
                    return False
                if recording is not None:
                    await run_in_threadpool(recording.write, data)
                sent += len(data)
                await _send(send, data)
                data = await transcoder.read()
        except TranscoderError as error:
            # The server closes the connection of an answer that ends early, so the player knows.
            log.warning("a transcoded track stops playing: %s", error)
            return False
        if self._length is not None:
            await _send(send, padding(self._job.format, min(CHUNK_BYTES, self._length - sent)))
            for begin in range(sent + CHUNK_BYTES, self._length, CHUNK_BYTES):
                await _send(send, bytes(min(CHUNK_BYTES, self._length - begin)))
        await _send(send, b"", more=False)
        return True


async def _send(send: Send, data: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


def _problem(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status_code=status)
