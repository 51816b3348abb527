"""Run Flower behind the login of the appliance. Its own options leave `/metrics` and `/healthcheck` open."""

import base64
import json
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from soniquebay import certificates, log_stream, logs
from soniquebay.reach import reach_of
from soniquebay.settings import Settings

if TYPE_CHECKING:
    from tornado.httputil import RequestStartLine

MAX_TASKS = 1000  # kept in memory, about 5 KB each
INSPECT_TIMEOUT_MS = 5000  # a worker on a Pi that boots or is busy does not always answer within Flower's default, 1 s
LOGIN_TIMEOUT_SECONDS = 10.0
LOGIN_CACHE_SECONDS = 5.0  # a page has some twenty files, and its tables refresh themselves
MAX_CACHED_LOGINS = 100
# What Flower answers. Its actions could send any task, `maintenance.purge` too, and stop the worker.
READING_METHODS = frozenset({"GET", "HEAD"})
READING_POST = "/tasks/datatable"  # its table of tasks asks so, because its question is long
# What strangers can make this program log again and again.
_REPEATING_LOGGERS = ("asyncio", "tornado.access", "tornado.general", "soniquebay.overrides.flower_server")
_REASONS = {
    401: "Sign in on the page of this appliance, or send a user's name and an app password that may manage.\n",
    403: "Only users who may manage the appliance see Flower.\n",
    405: "Flower only shows what the workers do here. Scans are started and ended on the page of this appliance.\n",
    503: "The API of this appliance does not answer, so nobody can sign in.\n",
}


def run(settings: Settings) -> None:
    """Run Flower until a signal stops it."""
    import click
    import flower.command
    import prometheus_client
    import tornado.web
    from celery.bin.base import CLIContext
    from tornado.httputil import (
        HTTPConnection,
        HTTPHeaders,
        HTTPMessageDelegate,
        HTTPServerRequest,
        RequestStartLine,
        ResponseStartLine,
    )
    from tornado.netutil import bind_sockets
    from tornado.options import options

    from soniquebay.overrides.event_state import AutoscaleCollector
    from soniquebay.overrides.flower_server import GuardedServer
    from soniquebay.overrides.versions import warn_about_untested_versions
    from soniquebay.worker.app import app

    # Before Flower: tornado then adds no handler of its own.
    logs.configure("soniquebay-flower", settings.log)
    log_stream.attach("flower", settings.redis)
    logs.limit_repeats(*_REPEATING_LOGGERS)
    certificate = _certificate_options(settings)
    login = Login(api_url(settings))
    # Without authentication of its own, Flower disables its actions and its checks of foreign pages. So it gets a
    # password that nobody knows, and each request that the appliance has let in carries it.
    flowers_own = f"soniquebay:{secrets.token_urlsafe(24)}"
    refusals: dict[HTTPConnection, int] = {}

    class Refused(tornado.web.RequestHandler):
        """Leads a browser to the page where one signs in, and answers 401, 403, 405 or 503 to everything else."""

        def initialize(self, status: int) -> None:
            self._status = status

        def check_xsrf_cookie(self) -> None:
            """Accept any: nothing is done, and the answer is to say why."""

        def prepare(self) -> None:
            status = self._status
            if status == 401 and self.request.method == "GET" and "text/html" in self.request.headers.get("Accept", ""):
                self.redirect(sign_in_address(self.request.full_url(), settings))
                return
            self.set_status(status)
            if status == 405:
                self.set_header("Allow", ", ".join(sorted(READING_METHODS)))
            if status == 401:
                self.set_header("WWW-Authenticate", 'Basic realm="SoniqueBay", charset="UTF-8"')
            self.finish(_REASONS[status])

    class CheckedRequest(HTTPMessageDelegate):
        """Asks the appliance who sends a request, before any of Flower's code sees it."""

        def __init__(self, connection: HTTPConnection, delegate: HTTPMessageDelegate) -> None:
            self._connection, self._delegate = connection, delegate
            self._is_refused = True

        async def headers_received(
            self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
        ) -> None:
            status = await login.status_of(headers)
            if status == 200 and isinstance(start_line, RequestStartLine) and not is_reading(start_line):
                status = 405
            self._is_refused = status != 200
            if not self._is_refused:
                headers["Authorization"] = f"Basic {base64.b64encode(flowers_own.encode()).decode()}"
            else:
                refusals[self._connection] = status
            received = self._delegate.headers_received(start_line, headers)
            if received is not None:
                await received

        def data_received(self, chunk: bytes) -> Any:
            # tornado keeps up to 100 MB, which a stranger must not fill.
            return None if self._is_refused else self._delegate.data_received(chunk)

        def finish(self) -> None:
            self._delegate.finish()

        def on_connection_close(self) -> None:
            refusals.pop(self._connection, None)
            self._delegate.on_connection_close()

    class AuthenticatedFlower(flower.command.Flower):
        """Flower with one login before all its handlers, limits of its server, and the autoscaler's metrics."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            prometheus_client.REGISTRY.register(AutoscaleCollector(lambda: self.events.state.workers))

        def start_http_server(self) -> int:
            sockets = bind_sockets(self.options.port, address=self.options.address)
            GuardedServer(self, reach_of(settings), settings.trusted_proxies, self.ssl_options).add_sockets(sockets)
            return int(sockets[0].getsockname()[1])

        def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
            return CheckedRequest(request_conn, super().start_request(server_conn, request_conn))

        def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
            status = refusals.pop(request.connection, None)  # type: ignore[arg-type]
            if status is not None:
                return self.get_handler_delegate(request, Refused, {"status": status})
            return super().find_handler(request, **kwargs)

    warn_about_untested_versions()
    flower.command.Flower = AuthenticatedFlower
    options.basic_auth = [flowers_own]
    # Flower is a subcommand of `celery`, whose other subcommands would take 8 MB.
    celery = click.Group("celery", commands={"flower": flower.command.flower})
    celery.main(
        [
            "flower",
            f"--address={settings.flower_host}",
            f"--port={settings.flower_port}",
            f"--max-tasks={MAX_TASKS}",
            f"--inspect-timeout={INSPECT_TIMEOUT_MS}",
            "--persistent=False",
            *certificate,
        ],
        obj=CLIContext(app, no_color=True, workdir=None),
    )


def is_reading(start_line: "RequestStartLine") -> bool:
    """Tell whether a request only asks for what Flower shows."""
    path = start_line.path.partition("?")[0]
    return start_line.method in READING_METHODS or (start_line.method, path) == ("POST", READING_POST)


def _certificate_options(settings: Settings) -> list[str]:
    """Return Flower's options for the API's certificate. Raises ``SystemExit`` with what is wrong with it."""
    if not settings.has_tls:
        return []
    certificates.wait_until_made(settings)
    try:
        certificates.server_context(settings)
    except certificates.CertificateError as error:
        raise SystemExit(f"soniquebay: {error}") from error
    certificate, key = certificates.files(settings)
    return [f"--certfile={certificate}", f"--keyfile={key}"]


class Login:
    """Asks the public API of this machine whether whoever sent a request may manage the appliance."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/api/session"
        self._known: dict[tuple[str, str], tuple[float, int]] = {}

    async def status_of(self, headers: Mapping[str, str]) -> int:
        """Return 200 for somebody who may manage, else the status of the refusal: 401, 403 or 503.

        `headers`: those of the request, of which the cookie and `Authorization` count.
        """
        key = (headers.get("Cookie", ""), headers.get("Authorization", ""))
        known = self._known.get(key)
        if known and known[0] > time.monotonic():
            return known[1]
        status = await self._ask(*key)
        if len(self._known) >= MAX_CACHED_LOGINS:
            self._known.clear()
        if status == 200:  # a refusal is asked for again: the visitor may just have signed in
            self._known[key] = (time.monotonic() + LOGIN_CACHE_SECONDS, status)
        return status

    async def _ask(self, cookie: str, authorization: str) -> int:
        from tornado.httpclient import AsyncHTTPClient, HTTPError

        sent = {"Cookie": cookie, "Authorization": authorization, "User-Agent": "Flower", "Host": "localhost"}
        try:
            answer = await AsyncHTTPClient().fetch(
                self._url,
                headers={name: value for name, value in sent.items() if value},
                request_timeout=LOGIN_TIMEOUT_SECONDS,
                connect_timeout=LOGIN_TIMEOUT_SECONDS,
                follow_redirects=False,
                validate_cert=False,  # the certificate has the machine's names; this is its loopback
            )
            role = json.loads(answer.body)["role"]
        except (HTTPError, OSError, ValueError, KeyError):
            return 503
        return {"manage": 200, "listen": 403}.get(role, 401)


def api_url(settings: Settings) -> str:
    """Return the address of the public API, as this machine reaches it."""
    # A wildcard address is none to connect to.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.http_host, settings.http_host)  # noqa: S104
    return settings.url_at(host)


def sign_in_address(url: str, settings: Settings) -> str:
    """Return the address of the page where one signs in, on the same host, which leads back to a page of Flower.

    `url`: of the page of Flower.
    """
    return f"{settings.url_at(urlsplit(url).hostname or 'localhost')}/sign-in?next={quote(url, safe='')}"
