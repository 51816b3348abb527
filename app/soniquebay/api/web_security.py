"""Protection against foreign pages in a listener's browser: what is checked of a request, and said with each answer.

A browser sends requests to the appliance for any page that asks it to. Such a page is kept out in two ways. The name in
the `Host` header has to be one of the appliance's own, else the page's own name may lead here (DNS rebinding). A
request that changes something has to come from a page of the appliance, or from no page at all.

Below `/rest/` pages of other sites are let in, because players for browsers speak OpenSubsonic. A request there carries
its own credentials; one of a foreign page that sends a cookie, too, is kept out.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Set
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from soniquebay.api.opensubsonic import PREFIX as OPENSUBSONIC_PREFIX

# Nobody can register a name that ends so, thus no page of the internet has one (RFC 6762, 6761, 8375; `.internal` is
# reserved by ICANN, the last three are what routers use and no registry sells).
UNREGISTRABLE_SUFFIXES = (".local", ".localhost", ".home.arpa", ".internal", ".lan", ".home", ".localdomain")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# "none": a person typed the address or opened a bookmark.
_OWN_SITES = frozenset({"same-origin", "none"})
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\[\]:/@?#\s]+)(?::\d{1,5})?")

FORM_ACTION = "form-action 'self'"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "
    f"base-uri 'none'; {FORM_ACTION}; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Frame-Options": "DENY",  # of browsers that do not know frame-ancestors
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Any page may read the answers below /rest/, but no browser adds its cookies or passwords to such a request.
CROSS_ORIGIN_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Expose-Headers": "*",
    "Access-Control-Max-Age": "86400",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class WebSecurity:
    """ASGI middleware that refuses the requests of foreign pages, and adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp, hosts: Set[str] = frozenset()) -> None:
        """`hosts`: further names of the appliance, in lower case."""
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421 or 403, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        is_cross_origin = scope["path"].startswith(OPENSUBSONIC_PREFIX)
        added = HEADERS | CROSS_ORIGIN_HEADERS if is_cross_origin else HEADERS

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in added.items():
                    headers.setdefault(name, value)
            await send(message)

        answer: ASGIApp = self._app
        if refusal := self._refusal(scope["method"], Headers(scope=scope), is_cross_origin=is_cross_origin):
            answer = refusal
        elif is_cross_origin and scope["method"] == "OPTIONS":
            answer = Response(status_code=204)
        await answer(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers, *, is_cross_origin: bool) -> JSONResponse | None:
        host = headers.get("host")
        # Without the header it is no browser.
        if host is not None and not is_own_name(host, {*self._hosts, socket.gethostname().lower()}):
            return _problem(
                421,
                f"this appliance does not answer to the name {host[:100]!r}: open it by its address or by its name "
                "with .local, or add the name to SONIQUEBAY_HOSTS",
            )
        is_let_in = is_cross_origin and "cookie" not in headers
        if method not in _SAFE_METHODS and not is_let_in and not _is_from_own_page(headers):
            return _problem(403, "the request comes from a page of another site, which may change nothing here")
        return None


def is_own_name(host: str, names: Iterable[str]) -> bool:
    """Tell whether the value of a `Host` header can only be meant for this machine.

    That is so for an address, `localhost`, a name that nobody can register, and one of `names` (in lower case).
    """
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return False
    name = match["name"].rstrip(".")
    if name == "localhost" or name in names or name.endswith(UNREGISTRABLE_SUFFIXES):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_from_own_page(headers: Headers) -> bool:
    """Tell whether no page of another site sent a request.

    `Sec-Fetch-Site` is the browser's own word. Browsers send it only to addresses that they trust, as HTTPS and
    localhost; on plain HTTP `Origin` has to do. A program that is no browser sends neither.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _OWN_SITES
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
    except ValueError:  # no address at all
        return False


def _problem(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"detail": reason}, status_code=status)
