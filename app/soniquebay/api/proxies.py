"""Reverse proxies: the word of those that the settings name is taken, that of others is told once in the log."""

import logging
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

log = logging.getLogger(__name__)

# In the state of a request: whether a proxy has sent it whose word is not taken.
UNNAMED_PROXY = "unnamed_proxy"


class Proxies:
    """ASGI middleware that takes client and scheme from the headers of trusted proxies."""

    def __init__(self, app: ASGIApp, trusted: Sequence[str], *, guests: bool) -> None:
        """`trusted`: addresses and networks. `guests`: visitors of the local network need no login."""
        self._app = app
        self._headers = ProxyHeadersMiddleware(app, list(trusted))  # type: ignore[arg-type]  # uvicorn's own types
        self._guests = guests
        self._is_told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        client = scope.get("client")
        address = client[0] if client else ""
        if address in self._headers.trusted_hosts:
            await self._headers(scope, receive, send)  # type: ignore[arg-type]  # as above
            return
        if scope["type"] == "http" and any(name == b"x-forwarded-for" for name, _ in scope["headers"]):
            scope.setdefault("state", {})[UNNAMED_PROXY] = True
            self._tell(address)
        await self._app(scope, receive, send)

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
