"""Playing: the file of a track as it is, whole or a range of it, or its sound in another format."""

import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from soniquebay.api.access import REFUSALS
from soniquebay.api.file_answer import FileAnswerError, OpenFile, file_answer
from soniquebay.api.models.fields import Id
from soniquebay.api.models.problems import Problem
from soniquebay.api.services import Services, Shared
from soniquebay.api.transcoded_answer import transcoded_answer
from soniquebay.api.transcoded_cache import cache_key
from soniquebay.audio.media_types import MEDIA_TYPES, UNKNOWN
from soniquebay.library import paths, queries, replay_gain
from soniquebay.library.replay_gain import Tagged
from soniquebay.library.typed_tags import typed_tags
from soniquebay.transcoding.choice import Gain, RequestedFormat, RequestedSound, StoredSound, choose
from soniquebay.transcoding.formats import MAX_BIT_RATE_KBITS, MIN_BIT_RATE_KBITS, SUFFIXES, Job
from soniquebay.transcoding.formats import MEDIA_TYPES as TRANSCODED_MEDIA_TYPES

router = APIRouter(prefix="/api", tags=["playing"], responses=REFUSALS)
_AUDIO: dict[str, Any] = {"content": {"audio/*": {}, UNKNOWN: {}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {**_AUDIO, "description": "the file, or its sound in another format"},
    206: {**_AUDIO, "description": "the range of the file that the header `Range` asks for"},
    304: {"description": "the file with the given ETag is still the current one"},
    404: {"model": Problem, "description": "no such track, or its file is missing"},
    416: {"model": Problem, "description": "the range or the offset lies behind the end"},
    429: {"model": Problem, "description": "too many streams are transcoded already; see `Retry-After`"},
    422: {"description": "the request does not match its description, or the file cannot be transcoded"},
    503: {"model": Problem, "description": "the file cannot be read now: is its drive there?"},
}


class StreamQuery(BaseModel):
    """In which form a track is played."""

    format: RequestedFormat | None = Field(
        default=None,
        description="`raw`: the file as it is. Without a format the file is sent as it is if browsers play it, else as "
        "FLAC if it is lossless, or as MP3. A file that is in the format already is sent as it is",
    )
    bit_rate: int | None = Field(
        default=None,
        ge=MIN_BIT_RATE_KBITS,
        le=MAX_BIT_RATE_KBITS,
        description="kbit/s at most; a file that has no more is sent as it is. Without it opus 160, mp3 256, aac 192",
    )
    offset: float = Field(default=0, ge=0, le=2**31, description="how many seconds of the track to leave out")
    gain: Gain = Field(
        default="off",
        description="which ReplayGain to apply: of the tags, else as measured. It never makes the sound clip",
    )
    estimate_length: bool = Field(
        default=False,
        description="whether a transcoded answer has a Content-Length. It is estimated: what is missing is "
        "filled up with bytes that players skip, and what is too much is cut off",
    )


@router.get("/tracks/{track_id}/stream", response_class=Response, responses=_RESPONSES)
@router.head("/tracks/{track_id}/stream", include_in_schema=False)
async def stream(request: Request, services: Shared, track_id: Id, query: Annotated[StreamQuery, Query()]) -> Response:
    """Return a track to play it: its file, or its sound in another format.

    The file is transcoded only where it has to be: browsers do not play it, the track is a part of it, or the request
    asks for what it is not. `Range` and `If-Range` work for the file as it is; a transcoded answer has no ranges
    (`Accept-Ranges: none`) but an `offset`, and tells its length in seconds in `X-Content-Duration`. `HEAD` works for
    both.
    """
    track = await find_track(services, track_id)
    gain_db = 0.0 if query.gain == "off" else await run_in_threadpool(_gain_db, services, track, query.gain)
    job, seconds = _job(track, query, gain_db)
    file = await open_track(services, track)
    if job is None:
        return file_answer(request, services.file_reader, file, _media_type(track), {})
    return await _transcoded(
        request, services, track, file, job=job, seconds=seconds, estimate_length=query.estimate_length
    )


@router.get("/tracks/{track_id}/download", response_class=Response, responses=_RESPONSES)
@router.head("/tracks/{track_id}/download", include_in_schema=False)
async def download(request: Request, services: Shared, track_id: Id) -> Response:
    """Return the file of a track to keep it, with its name, in ranges too.

    A track that is a part of a file is cut out, to FLAC if the file is lossless, else to MP3.
    """
    track = await find_track(services, track_id)
    if not track["part"]:
        name = PurePosixPath(os.fsdecode(paths.decode(track["path"]))).name
        file = await open_track(services, track)
        return file_answer(request, services.file_reader, file, _media_type(track), _attachment(name))
    job, seconds = _job(track, StreamQuery())
    assert job is not None  # noqa: S101 - a part is never played as it is
    number = "" if track["track_no"] is None else f"{track['track_no']:02} "
    headers = _attachment(f"{number}{track['title'].replace('/', '_')}{SUFFIXES[job.format]}")
    file = await open_track(services, track)
    return await _transcoded(request, services, track, file, job=job, seconds=seconds, headers=headers)


async def _transcoded(
    request: Request,
    services: Services,
    track: queries.Row,
    file: OpenFile,
    *,
    job: Job,
    seconds: float,
    headers: Mapping[str, str] = MappingProxyType({}),
    estimate_length: bool = False,
) -> Response:
    cache, key = services.transcoded_cache, None
    # A stream from an offset on is of no use for anybody else.
    if cache.is_on and job.start_seconds == track["start_seconds"]:
        key = cache_key(paths.decode(track["path"]), file, job)
        kept = await run_in_threadpool(cache.find, key)
        if kept is not None:
            file.close()
            headers = {"X-Content-Duration": f"{seconds:.3f}", **headers}
            return file_answer(request, services.file_reader, kept, TRANSCODED_MEDIA_TYPES[job.format], headers)
    return transcoded_answer(
        services.transcoders,
        file,
        job,
        seconds,
        headers,
        is_head=request.method == "HEAD",
        estimate_length=estimate_length,
        record=None if key is None else partial(cache.record, key),
    )


async def find_track(services: Services, track_id: int) -> queries.Row:
    """Return the file of a track, as ``queries.file_of_track`` does; answer 404 where there is none."""
    track = await run_in_threadpool(lambda: queries.file_of_track(services.database.reader(), track_id))
    if track is None:
        raise HTTPException(404, f"no track {track_id}")
    if track["missing_since"] is not None:
        raise HTTPException(404, f"the file of track {track_id} is missing")
    return track


async def open_track(services: Services, track: queries.Row) -> OpenFile:
    """Open the file of a track. Answer 404 or 503 where that cannot be."""
    path = paths.decode(track["path"])
    # The setting may have changed since the last scan.
    if not any(paths.is_within(path, os.fsencode(root)) for root in services.settings.music):
        raise HTTPException(404, f"the file of track {track['id']} lies outside the folders of music")
    try:
        return await services.file_reader.open(path)
    except FileAnswerError as error:
        # Without the path, which is nothing to a listener.
        raise HTTPException(
            503, f"the file of track {track['id']} cannot be read: {error}; is its drive there?"
        ) from error


def _gain_db(services: Services, track: queries.Row, kind: replay_gain.Kind) -> float:
    tagged = Tagged(typed_tags(json.loads(track["tags"])), track["album_id"])
    gains = replay_gain.of_tracks(services.database.reader(), {track["id"]: tagged})
    return replay_gain.applied_db(gains[track["id"]], kind)


def _job(track: queries.Row, query: StreamQuery, gain_db: float = 0.0) -> tuple[Job | None, float]:
    """Return what to transcode a track to, None if it is played as it is, and how long that sounds, in seconds."""
    if query.format == "raw" and (track["part"] or query.offset or query.gain != "off" or query.bit_rate):
        raise HTTPException(
            422, "format=raw is the file as it is: not of a part of a file, and without offset, gain and bit_rate"
        )
    seconds = max(track["duration"] - query.offset, 0.0)
    if query.offset and not seconds:
        raise HTTPException(416, "the offset lies behind the end of the track")
    sound = json.loads(track["sound"])
    stored = StoredSound(
        format=track["format"],
        codec=sound.get("codec"),
        bits_per_second=sound.get("bit_rate"),
        is_part=track["part"] > 0,
        start_seconds=track["start_seconds"],
        seconds=track["seconds"],
    )
    requested = RequestedSound(
        format=query.format,
        bit_rate_kbits=query.bit_rate,
        offset_seconds=query.offset,
        gain_db=gain_db,
        is_constant=query.estimate_length,
    )
    return choose(stored, requested), seconds


def _media_type(track: queries.Row) -> str:
    return MEDIA_TYPES.get(track["format"], UNKNOWN)


def _attachment(name: str) -> dict[str, str]:
    encoded = quote(name.encode("utf-8", "replace"), safe="")
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{encoded}"}
