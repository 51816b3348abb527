"""The public API, on port 80. It has no route that inserts."""

from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException, Query, Request
from fastapi.responses import StreamingResponse

from soniquebay import __version__
from soniquebay.api import (
    accounts,
    apps_page,
    backups,
    browsing,
    by_sound,
    docs,
    duplicates,
    errors,
    folders,
    health,
    kept,
    library,
    log_lines,
    machine,
    missing,
    online,
    playing,
    playlists,
    release_check,
    remote_workers,
    scans,
    scrobbling,
    sign_in,
    sound_map,
    sound_tags,
    tag_marks,
    updates,
    watch,
    web_page,
)
from soniquebay.api.access import REFUSALS, Access, may_manage
from soniquebay.api.event_answer import EventStream
from soniquebay.api.events import is_event_id
from soniquebay.api.https_only import HttpsOnly
from soniquebay.api.listening import NoteStreams
from soniquebay.api.metrics import routes as metrics
from soniquebay.api.metrics.requests import CountRequests
from soniquebay.api.models.problems import Problem
from soniquebay.api.opensubsonic import routes as opensubsonic
from soniquebay.api.proxies import Proxies
from soniquebay.api.route_table import add_routes
from soniquebay.api.services import Services, Shared
from soniquebay.api.web_security import WebSecurity

MAX_BODY_BYTES = 1 << 20  # the longest bodies are the entries of a queue or playlist
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "events, without an end"},
    503: {"model": Problem, "description": "too many streams are open; `Retry-After` says when to try again"},
}


def public_app(services: Services) -> FastAPI:
    """Return the public application."""
    app = FastAPI(
        title="SoniqueBay",
        version=__version__,
        license_info={"name": "GPL-3.0-or-later"},
        docs_url=None,  # FastAPI's own pages load their scripts from the internet
        redoc_url=None,
        max_body_size=MAX_BODY_BYTES,
    )
    app.state.services = services
    settings = services.settings
    app.add_middleware(NoteStreams, listening=services.listening)
    app.add_middleware(
        Access,
        accounts=services.accounts,
        open_requests=services.open_requests,
        login=settings.login,
        guests=settings.guests,
        roots=settings.music,
    )
    if settings.has_tls:
        app.add_middleware(HttpsOnly, port=settings.https_port, is_known=settings.tls == "own")
    # Around `Access`, because it is added later: it also adds its headers to what `Access` answers.
    app.add_middleware(WebSecurity, hosts=settings.hosts)
    app.add_middleware(Proxies, trusted=settings.trusted_proxies, guests=settings.guests, base_path=settings.base_path)
    app.add_middleware(CountRequests, counts=services.request_counts)
    errors.install(app)
    for module in (
        opensubsonic,  # routes are tried in their order, and a client that copies the library or its covers asks most
        health,
        release_check,
        accounts,
        scrobbling,
        sign_in,
        apps_page,
        scans,
        watch,
        machine,
        remote_workers,
        log_lines,
        metrics,
        backups,
        updates,
        missing,
        browsing,
        by_sound,
        sound_map,
        duplicates,
        sound_tags,
        folders,
        library,
        playing,
        kept,
        tag_marks,
        playlists,
        docs,
        online,
        web_page,
    ):
        add_routes(app, module.router)
    app.get("/api/events", response_class=StreamingResponse, responses={**REFUSALS, **_EVENTS}, tags=["scans"])(events)
    app.api_route("/internal/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)(
        refuse_internal
    )
    return app


def events(
    request: Request,
    services: Shared,
    last_event_id: Annotated[str | None, Header()] = None,
    machine: Annotated[
        bool, Query(description="also stream `machine` events, whose data is a `Machine`; only for who may manage")
    ] = False,
) -> StreamingResponse:
    """Stream `scan` events, whose data is a `Progress`. With `Last-Event-ID` the stream starts after that event."""
    if machine and not may_manage(request):
        raise HTTPException(403, "only users who may manage the appliance follow the state of the machine")
    last_id = last_event_id if last_event_id and is_event_id(last_event_id) else None
    feeds = [services.progress.follow(last_id), *([services.machine.follow()] if machine else [])]
    return EventStream(services.event_streams, *feeds)


def refuse_internal(path: str) -> None:
    """Answer 403 and say where the internal API is. Its routes are not in this application at all."""
    raise HTTPException(403, f"/internal/{path} answers on the appliance's own socket only")
