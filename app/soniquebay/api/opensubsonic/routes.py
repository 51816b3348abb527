"""The one route of all methods: it reads the parameters, asks who calls, and answers in the format asked for."""

import logging
import sqlite3
from collections.abc import Mapping
from typing import Literal

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from soniquebay.api.access import address_of
from soniquebay.api.errors import storage_cause
from soniquebay.api.opensubsonic import (
    PREFIX,
    album_lists,
    annotations,
    browsing,
    folders,
    formats,
    information,
    lyrics,
    media,
    playlists,
    queue,
    searching,
    similar,
    system,
    unsupported,
    users,
)
from soniquebay.api.opensubsonic.authentication import visitor_of
from soniquebay.api.opensubsonic.call import Call, Content, Handler, PictureHandler, SoundHandler
from soniquebay.api.opensubsonic.errors import GENERIC, MISSING_PARAMETER, NOT_FOUND, SubsonicError
from soniquebay.api.opensubsonic.parameters import Parameters
from soniquebay.api.services import Services
from soniquebay.disk_state import sentence_for_listeners

log = logging.getLogger(__name__)

router = APIRouter()
METHODS: dict[str, Handler] = {
    **system.METHODS,
    **users.METHODS,
    **browsing.METHODS,
    **album_lists.METHODS,
    **searching.METHODS,
    **annotations.METHODS,
    **playlists.METHODS,
    **queue.METHODS,
    **lyrics.METHODS,
    **folders.METHODS,
    **information.METHODS,
    **similar.METHODS,
    **unsupported.METHODS,
}
SOUND: dict[str, SoundHandler] = media.SOUND
PICTURES: dict[str, PictureHandler] = media.PICTURES
_FORM = "application/x-www-form-urlencoded"
_FORMATS: Mapping[str, formats.Format] = {"xml": "xml", "json": "json", "jsonp": "jsonp"}
_WITHOUT_LOGIN: Literal["getOpenSubsonicExtensions"] = "getOpenSubsonicExtensions"


async def answer(request: Request) -> Response:
    """Answer a call of a method, with or without `.view` behind its name."""
    services: Services = request.app.state.services
    method: str = request.path_params["method"].removesuffix(".view")
    texts = [request.scope["query_string"]]
    if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
        texts.append(await request.body())
    parameters = Parameters([])
    try:
        parameters = Parameters.read(*texts)
        handler = SOUND.get(method)
        if handler is None:
            return await run_in_threadpool(_answer, request, services, method, parameters)
        visitor = await run_in_threadpool(visitor_of, services, parameters, address_of(request.scope))
        request.state.visitor = visitor  # with whose right to it a stream ends
        return await handler(Call(services, request, parameters, visitor))
    except SubsonicError as error:
        return _refusal(parameters, error)
    except HTTPException as error:
        if error.status_code != 404:
            raise
        return _refusal(parameters, SubsonicError(NOT_FOUND, str(error.detail)))


# A route of FastAPI would do for each request what a route with declared parameters needs.
router.add_route(f"{PREFIX}{{method:path}}", answer, methods=["GET", "POST", "HEAD"], include_in_schema=False)


def _answer(request: Request, services: Services, method: str, parameters: Parameters) -> Response:
    """Answer a call whose answer is a tree or a picture, in a thread."""
    try:
        if method in PICTURES:
            visitor = visitor_of(services, parameters, address_of(request.scope))
            return PICTURES[method](Call(services, request, parameters, visitor))
        return _response(parameters, _content(request, services, method, parameters))
    except SubsonicError as error:
        return _refusal(parameters, error)
    except (sqlite3.DatabaseError, OSError) as error:
        services.storage.report(error)
        return _refusal(parameters, SubsonicError(GENERIC, sentence_for_listeners(storage_cause(request, error))))


def _content(request: Request, services: Services, method: str, parameters: Parameters) -> Content:
    _form(parameters)
    if method == _WITHOUT_LOGIN:
        return system.extensions()
    visitor = visitor_of(services, parameters, address_of(request.scope))
    handler = METHODS.get(method)
    if handler is None:
        raise SubsonicError(GENERIC, "there is no such method here")
    return handler(Call(services, request, parameters, visitor))


def _form(parameters: Parameters) -> formats.Format:
    """Return the format asked for; XML for one that is not known. Raises `SubsonicError` for a wrong callback."""
    form = _FORMATS.get(parameters.text("f").lower(), "xml")
    if form == "jsonp":
        callback = parameters.text("callback")
        if not callback:
            raise SubsonicError(MISSING_PARAMETER, "the parameter callback is missing")
        if not formats.is_callback(callback):
            raise SubsonicError(GENERIC, "callback is not the name of a function")
    return form


def _refusal(parameters: Parameters, error: SubsonicError) -> Response:
    return _response(parameters, {}, error)


def _response(parameters: Parameters, content: Content, error: SubsonicError | None = None) -> Response:
    try:
        form = _form(parameters)
    except SubsonicError:
        form = "json"  # a function that has no name cannot be called
    data = formats.encode(formats.envelope(content, error), form, parameters.text("callback"))
    return Response(data, media_type=formats.MEDIA_TYPES[form])
