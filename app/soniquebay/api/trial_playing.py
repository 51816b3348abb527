"""The canary as a listener gets it: a range of its file, and its sound in another format."""

import asyncio
import json
import os

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from soniquebay.api.file_answer import Reader, file_answer
from soniquebay.api.transcoded_answer import RETRY_AFTER_SECONDS, transcoded_answer
from soniquebay.api.transcoders import Transcoders
from soniquebay.audio import canary
from soniquebay.audio.media_types import MEDIA_TYPES
from soniquebay.transcoding.choice import RequestedSound, StoredSound, choose

RANGE = (100, 1124)  # first byte and end
BIT_RATE_KBITS = 64
_MP3_BEGINNINGS = (b"ID3", b"\xff\xf3", b"\xff\xf2", b"\xff\xfb", b"\xff\xfa")  # a tag, or a frame


class NotPlayedError(Exception):
    """A listener would not hear the canary."""


async def read_range(reader: Reader) -> None:
    """Read a range of the file. Raises `NotPlayedError`, and whatever the answer raises."""
    begin, end = RANGE
    scope = _scope([(b"range", f"bytes={begin}-{end - 1}".encode())])
    file = await reader.open(os.fsencode(canary.PATH))
    status, headers, body = await _received(file_answer(Request(scope), reader, file, MEDIA_TYPES["FLAC"], {}), scope)
    expected = f"bytes {begin}-{end - 1}/{file.size}"
    if status != 206 or headers.get("content-range") != expected:
        raise NotPlayedError(f"the answer is {status} {headers.get('content-range')}, not 206 {expected}")
    if body != canary.PATH.read_bytes()[begin:end]:
        raise NotPlayedError("the answer has other bytes than the file")


async def transcode(reader: Reader, transcoders: Transcoders) -> None:
    """Have the sound transcoded to MP3, once a transcoder may run.

    Raises `NotPlayedError`, and ``FileAnswerError`` when the file cannot be opened.
    """
    job = choose(
        StoredSound(str(canary.SOUND["format"]), str(canary.SOUND["codec"]), seconds=canary.SECONDS),
        RequestedSound("mp3", BIT_RATE_KBITS),
    )
    if job is None:
        raise NotPlayedError("it would be sent as it is, and not as MP3")
    while True:
        file = await reader.open(os.fsencode(canary.PATH))
        answer = transcoded_answer(transcoders, file, job, canary.SECONDS, {}, is_head=False, estimate_length=False)
        status, _, body = await _received(answer, _scope())
        if status != 429:  # listeners have all transcoders
            break
        await asyncio.sleep(RETRY_AFTER_SECONDS)
    if status != 200:
        raise NotPlayedError(json.loads(body)["detail"])
    least = round(BIT_RATE_KBITS * 125 * canary.SECONDS)
    if not body.startswith(_MP3_BEGINNINGS) or len(body) < least:
        raise NotPlayedError(f"what came is no MP3 of {canary.SECONDS:.0f} s: {len(body)} bytes, {body[:4]!r} first")


def _scope(headers: list[tuple[bytes, bytes]] | None = None) -> Scope:
    return {"type": "http", "method": "GET", "path": "/", "headers": headers or []}


async def _received(answer: Response, scope: Scope) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer. Raises `NotPlayedError` for one that ends early."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await answer(scope, anyio.sleep_forever, send)  # type: ignore[arg-type]  # this listener never leaves
    begin, *parts = messages
    if not parts or parts[-1].get("more_body"):
        raise NotPlayedError("the answer has ended early; the log of the API says why")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in begin["headers"]}
    return int(begin["status"]), headers, b"".join(part.get("body", b"") for part in parts)
