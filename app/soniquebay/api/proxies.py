"""Reverse proxies: the base path, and whose word on the client is taken. That of others is told once in the log."""

import logging
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

log = logging.getLogger(__name__)

# In the state of a request: whether a proxy has sent it whose word is not taken.
UNNAMED_PROXY = "unnamed_proxy"


class Proxies:
    """ASGI middleware that takes client and scheme from the headers of trusted proxies, and the base path away.

    A request has the base path in `root_path` if its path begins so, or if a trusted proxy has sent it, which may have
    taken it away. All others ask this machine by its own name, where its pages have no base path.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str], *, guests: bool, base_path: str = "") -> None:
        """`trusted`: addresses and networks. `guests`: visitors of the local network need no login."""
        self._app = app
        self._base = base_path
        self._headers = ProxyHeadersMiddleware(app, list(trusted))  # type: ignore[arg-type]  # uvicorn's own types
        self._guests = guests
        self._is_told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        client = scope.get("client")
        address = client[0] if client else ""
        is_trusted = address in self._headers.trusted_hosts
        if self._base and scope["type"] == "http":
            self._take_away(scope, is_trusted=is_trusted)
        if is_trusted:
            await self._headers(scope, receive, send)  # type: ignore[arg-type]  # as above
            return
        if scope["type"] == "http" and any(name == b"x-forwarded-for" for name, _ in scope["headers"]):
            scope.setdefault("state", {})[UNNAMED_PROXY] = True
            self._tell(address)
        await self._app(scope, receive, send)

    def _take_away(self, scope: Scope, *, is_trusted: bool) -> None:
        path = scope["path"]
        has_base = path == self._base or path.startswith(f"{self._base}/")
        if has_base:
            scope["path"] = path.removeprefix(self._base) or "/"
            scope["raw_path"] = scope.get("raw_path", b"").removeprefix(self._base.encode()) or b"/"
        if has_base or is_trusted:
            scope["root_path"] = self._base

    def _tell(self, address: str) -> None:
        if self._is_told:
            return
        self._is_told = True
        log.warning(
            "%s seems to be a reverse proxy, but SONIQUEBAY_TRUSTED_PROXIES does not name it: "
            "all its visitors count as one client%s",
            address,
            ", and none of them as a guest" if self._guests else "",
        )
