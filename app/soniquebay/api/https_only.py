"""What a request without TLS is answered where the appliance has TLS.

Browsers are led to the page with https. Apps are told the address that they need: a redirect would hide that each of
their requests shows the password to the network first. Health is answered as ever.
"""

from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from soniquebay.addresses import url_of
from soniquebay.api.opensubsonic import PREFIX as OPENSUBSONIC_PREFIX
from soniquebay.api.opensubsonic import formats
from soniquebay.api.opensubsonic.errors import GENERIC, SubsonicError
from soniquebay.sockets import UnixPeer

HEALTH_PATH = "/api/health"
HSTS_SECONDS = 180 * 86400  # browsers use https alone for so long


class HttpsOnly:
    """ASGI middleware that passes on what came by TLS, from a proxy with TLS, or from this machine's own socket."""

    def __init__(self, app: ASGIApp, port: int, *, is_known: bool) -> None:
        """`port`: of the API with TLS. `is_known`: browsers know who has signed its certificate."""
        self._app = app
        self._port = port
        self._is_known = is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer where it should go."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["scheme"] == "https":
            await self._app(scope, receive, _with_hsts(send) if self._is_known else send)
        elif isinstance(scope.get("client"), UnixPeer) or scope["path"] == HEALTH_PATH:
            await self._app(scope, receive, send)
        else:
            await self._answer(scope, Headers(scope=scope))(scope, receive, send)

    def _answer(self, scope: Scope, headers: Headers) -> Response:
        # `WebSecurity` has checked that the name is one of this machine.
        host = urlsplit(f"//{headers.get('host', '')}").hostname
        url = url_of(host or "soniquebay.local", self._port, tls=True) + scope.get("root_path", "")
        reason = f"this appliance is reached by TLS only: use {url}"
        if scope["path"].startswith(OPENSUBSONIC_PREFIX):
            return _subsonic_refusal(scope, f"{reason} as the server's address")
        if host and scope["method"] in {"GET", "HEAD"} and "text/html" in headers.get("accept", ""):
            path = scope.get("raw_path", b"").partition(b"?")[0].decode("ascii", "replace") or "/"
            query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
            return RedirectResponse(f"{url}{path}{query}", 308)
        return JSONResponse({"detail": reason}, 403)


def _subsonic_refusal(scope: Scope, reason: str) -> Response:
    """Return an answer that apps show: they look at no status but 200."""
    wanted = parse_qs(scope["query_string"].decode("latin-1")).get("f", [""])[0].lower()
    form: formats.Format = "json" if wanted in {"json", "jsonp"} else "xml"
    data = formats.encode(formats.envelope({}, SubsonicError(GENERIC, reason)), form)
    return Response(data, media_type=formats.MEDIA_TYPES[form])


def _with_hsts(send: Send) -> Send:
    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("Strict-Transport-Security", f"max-age={HSTS_SECONDS}")
        await send(message)

    return send_with_header
