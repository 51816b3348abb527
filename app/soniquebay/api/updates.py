"""The releases that this machine is offered: see them, upload one, have one installed."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool

from soniquebay.api.access import REFUSALS, Manager
from soniquebay.api.models.problems import NOT_JSON, Problem, Refused
from soniquebay.api.models.updates import InstallRequest, Updates, UploadRequest, UploadState
from soniquebay.api.release_offers import InstallError
from soniquebay.api.release_upload import Upload, UploadError
from soniquebay.api.services import Shared

router = APIRouter(prefix="/api", tags=["health"], dependencies=[Manager], responses=REFUSALS)
_GONE: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "no such upload, or no more"}}
_PART = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}


@router.get("/updates", response_model=Updates)
async def updates(services: Shared) -> Any:
    """Return which release runs, which are offered, and how far the installation of one has come."""
    return await services.releases.state()


@router.post(
    "/updates/install",
    status_code=202,
    response_model=Updates,
    responses={
        **NOT_JSON,
        404: {"model": Problem, "description": "it is not offered"},
        409: {"model": Problem, "description": "it is not newer or not signed, or another one is being installed"},
    },
)
async def install(services: Shared, body: InstallRequest) -> Any:
    """Have an offered release installed. The machine verifies its signature, and goes back if it is not healthy.

    The API restarts meanwhile. `GET /api/updates` tells the steps, and how it has ended.
    """
    try:
        return await services.releases.install(body.path)
    except InstallError as error:
        raise HTTPException(error.status, str(error)) from error


@router.post(
    "/updates/upload",
    status_code=201,
    response_model=UploadState,
    responses={
        **NOT_JSON,
        409: {"model": Problem, "description": "another upload is running"},
        413: {"model": Problem, "description": "the archive is too large for a release"},
        422: {"model": Refused, "description": "the name is not that of a release archive"},
        507: {"model": Problem, "description": "there is no room for it"},
    },
)
def begin_upload(services: Shared, body: UploadRequest) -> Any:
    """Begin the upload of a release archive. Its parts follow by `PUT`; without one for two minutes it is given up."""
    try:
        return _told(services.releases.upload.begin(body.name, body.bytes, body.signature))
    except UploadError as error:
        raise HTTPException(error.status, str(error)) from error


@router.put(
    "/updates/upload",
    response_model=UploadState | None,
    responses={
        **_GONE,
        409: {"model": Problem, "description": "the part does not begin where the last one ended"},
        413: {"model": Problem, "description": "the part has more than 1 MiB"},
        422: {"model": Refused, "description": "the archive has more bytes than were said"},
    },
    openapi_extra=_PART,
)
async def append_part(
    request: Request, services: Shared, upload: Annotated[str, Query()], offset: Annotated[int, Query(ge=0)]
) -> Any:
    """Add the next part of an upload, at most 1 MiB, and return its state; null when it was the last one."""
    part = await request.body()
    try:
        return _told(await run_in_threadpool(services.releases.upload.append, upload, offset, part))
    except UploadError as error:
        raise HTTPException(error.status, str(error)) from error


@router.delete("/updates/upload", status_code=204, responses=_GONE)
def cancel_upload(services: Shared, upload: Annotated[str, Query()]) -> None:
    """Cancel an upload, and remove what has arrived."""
    try:
        services.releases.upload.cancel(upload)
    except UploadError as error:
        raise HTTPException(error.status, str(error)) from error


def _told(upload: Upload | None) -> UploadState | None:
    return UploadState.model_validate(asdict(upload)) if upload else None
