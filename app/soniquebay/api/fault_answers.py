"""What the API answers while its databases cannot be opened: why, and what to do. It tries again all the while."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from html import escape
from typing import TypeVar

import uvicorn
from fastapi import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from soniquebay import __version__
from soniquebay.api import forms, sign_in
from soniquebay.api.models.health import Health
from soniquebay.api.peers import is_administrator
from soniquebay.api.proxies import Proxies
from soniquebay.api.web_security import WebSecurity
from soniquebay.settings import Settings
from soniquebay.sockets import UnixPeer
from soniquebay.storage_faults import StorageFaultError

log = logging.getLogger(__name__)
T = TypeVar("T")

RETRY_SECONDS = 5.0
HEALTH_PATH = "/api/health"
_NOT_ASKED = "not asked, because the database cannot be used"
_PREFIXES_OF_PROGRAMS = ("/api/", "/rest/", "/internal/")


class FaultAnswers:
    """An ASGI application that answers 503 to everything, with a sentence on what is wrong."""

    def __init__(self, fault: StorageFaultError) -> None:
        self.fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer programs in JSON and people with a page."""
        if scope["type"] != "http":
            return
        request = Request(scope)
        path = scope["path"]
        answer: Response
        if path == HEALTH_PATH:
            answer = self._health(request)
        elif path == forms.STYLE_PATH:
            answer = sign_in.style()
        elif path.startswith(_PREFIXES_OF_PROGRAMS):
            answer = JSONResponse({"detail": self._sentence(request)}, 503)
        else:
            content = f"<p>{escape(self.fault.problem)}.</p><p>What to do: {escape(self.fault.remedy)}.</p>"
            answer = forms.page(request, "The library cannot be opened", content, status=503)
        answer.headers["Retry-After"] = str(int(RETRY_SECONDS))
        await answer(scope, receive, send)

    def _health(self, request: Request) -> Response:
        health = Health(
            status="unhealthy",
            version=__version__,
            database=self._sentence(request),
            redis=_NOT_ASKED,
            worker=_NOT_ASKED,
            fault=self._sentence(request),
            fault_kind=self.fault.kind,
            warnings=[],
        )
        return JSONResponse(health.model_dump(), 503)

    def _sentence(self, request: Request) -> str:
        """Return what is wrong. Nobody can sign in now, so only administrators of this machine are told of paths."""
        client = request.scope.get("client")
        if isinstance(client, UnixPeer) and is_administrator(client.uid):
            return str(self.fault)
        return self.fault.public_text

    def public_app(self, settings: Settings) -> ASGIApp:
        """Return it as strangers may reach it."""
        app: ASGIApp = WebSecurity(self, hosts=settings.hosts)
        return Proxies(app, settings.trusted_proxies, guests=settings.guests, base_path=settings.base_path)


async def open_or_answer(
    open_services: Callable[[], T],
    servers: Callable[[FaultAnswers], list[tuple[uvicorn.Server, list[socket.socket]]]],
    on_fault: Callable[[StorageFaultError], None],
    stopped: asyncio.Event,
) -> T | None:
    """Return what `open_services` returns; None if `stopped` is set before it succeeds.

    While it raises ``StorageFaultError``, it is tried again every `RETRY_SECONDS`, and the `servers` answer. They get
    duplicates of the sockets that they are made with, because a server closes its own when it ends.
    """
    try:
        return open_services()
    except StorageFaultError as error:
        answers = FaultAnswers(error)
    log.critical("%s", answers.fault)
    on_fault(answers.fault)
    running = servers(answers)
    tasks = [asyncio.create_task(server.serve([sock.dup() for sock in sockets])) for server, sockets in running]
    try:
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS):
                    await stopped.wait()
            try:
                return await asyncio.to_thread(open_services)
            except StorageFaultError as error:
                if str(error) != str(answers.fault):
                    log.critical("%s", error)
                answers.fault = error
        return None
    finally:
        for server, _ in running:
            server.should_exit = True
        await asyncio.gather(*tasks)
