"""Playing: the file of a track as it is, whole or a range of it."""

import os
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from soniquebay.api.file_answer import FileAnswerError, file_answer
from soniquebay.api.models.fields import Id
from soniquebay.api.models.problems import Problem
from soniquebay.api.services import Services, Shared
from soniquebay.audio.media_types import MEDIA_TYPES, UNKNOWN
from soniquebay.library import paths, queries

router = APIRouter(prefix="/api", tags=["playing"])
_AUDIO: dict[str, Any] = {"content": {"audio/*": {}, UNKNOWN: {}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {**_AUDIO, "description": "the file"},
    206: {**_AUDIO, "description": "the range of the file that the header `Range` asks for"},
    304: {"description": "the file with the given ETag is still the current one"},
    404: {"model": Problem, "description": "no such track, or its file is missing"},
    416: {"model": Problem, "description": "the range lies behind the end of the file"},
    501: {"model": Problem, "description": "the track is a part of a file, which has to be cut out"},
    503: {"model": Problem, "description": "the file cannot be read now: is its drive there?"},
}


@router.get("/tracks/{track_id}/stream", response_class=Response, responses=_RESPONSES)
@router.head("/tracks/{track_id}/stream", include_in_schema=False)
async def stream(request: Request, services: Shared, track_id: Id) -> Response:
    """Return the file of a track to play it. `Range` and `If-Range` work, as does `HEAD`."""
    return await _answer(request, services, track_id, is_download=False)


@router.get("/tracks/{track_id}/download", response_class=Response, responses=_RESPONSES)
@router.head("/tracks/{track_id}/download", include_in_schema=False)
async def download(request: Request, services: Shared, track_id: Id) -> Response:
    """Return the file of a track to keep it, with its name. Otherwise like `stream`."""
    return await _answer(request, services, track_id, is_download=True)


async def _answer(request: Request, services: Services, track_id: int, *, is_download: bool) -> Response:
    track = await run_in_threadpool(lambda: queries.file_of_track(services.database.reader(), track_id))
    if track is None:
        raise HTTPException(404, f"no track {track_id}")
    if track["missing_since"] is not None:
        raise HTTPException(404, f"the file of track {track_id} is missing")
    if track["part"]:
        raise HTTPException(501, f"track {track_id} is a part of a file; playing parts is not possible yet")
    path = paths.decode(track["path"])
    # The setting may have changed since the last scan.
    if not any(paths.is_within(path, os.fsencode(root)) for root in services.settings.music):
        raise HTTPException(404, f"the file of track {track_id} lies outside the folders of music")
    try:
        file = await services.file_reader.open(path)
    except FileAnswerError as error:
        # Without the path, which is nothing to a listener.
        raise HTTPException(
            503, f"the file of track {track_id} cannot be read: {error}; is its drive there?"
        ) from error
    headers = {}
    if is_download:
        name = PurePosixPath(os.fsdecode(path)).name.encode("utf-8", "replace")
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    media_type = MEDIA_TYPES.get(track["format"], UNKNOWN)
    return file_answer(request, services.file_reader, file, media_type, headers)
