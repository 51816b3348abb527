"""The API's client of the fetcher, for the services that are told what users hear."""

import asyncio
import json
from pathlib import Path

from soniquebay.online.errors import UpstreamError
from soniquebay.online.exchanges import Answer

_TIMEOUT_SECONDS = 180.0  # as the worker's, see client.py


async def exchange(
    socket: Path,
    path: str,
    body: bytes = b"",
    *,
    token: str | None = None,
    timeout_seconds: float = _TIMEOUT_SECONDS,
) -> Answer:
    """Send one of the requests of `exchanges` by the fetcher on a Unix socket, and return the service's answer.

    Raises `UpstreamError` when the service or the fetcher does not answer as it should.
    """
    authorization = f"Authorization: Token {token}\r\n" if token else ""
    head = f"POST {path} HTTP/1.0\r\n{authorization}Content-Length: {len(body)}\r\n\r\n"
    try:
        async with asyncio.timeout(timeout_seconds):
            status, content = await _send(socket, head.encode("ascii") + body)
        answer = json.loads(content)
    except (OSError, ValueError, IndexError) as error:  # a timeout is an OSError, too
        raise UpstreamError(f"the fetcher does not answer: {error or type(error).__name__}") from error
    if status == 200:
        return Answer(**answer)
    if status == 502:
        raise UpstreamError(answer["reason"], answer["retry_after"], answered=answer["answered"])
    raise UpstreamError(f"the fetcher refuses the request: {answer['reason']}")


async def _send(socket: Path, request: bytes) -> tuple[int, bytes]:
    """Return status and body. By hand: httpx takes 10 MB in the API, and a second of a Pi for its import."""
    reader, writer = await asyncio.open_unix_connection(socket)
    try:
        writer.write(request)
        await writer.drain()
        head, _, content = (await reader.read()).partition(b"\r\n\r\n")
        return int(head.split(None, 2)[1]), content
    finally:
        writer.close()
