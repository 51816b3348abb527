"""Who a request comes from, and whether they may send it.

Every path needs a visitor who has signed in, except those in `OPEN_PATHS`, and those below `/rest/`, which ask for
credentials themselves. A route that changes more than the visitor's own things depends on `Manager` besides.
"""

import base64
import binascii
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from soniquebay.api.models.fields import hidden_roots
from soniquebay.api.models.problems import Problem
from soniquebay.api.open_requests import VISITOR, OpenRequests
from soniquebay.api.opensubsonic import PREFIX as OPENSUBSONIC_PREFIX
from soniquebay.api.peers import is_administrator
from soniquebay.api.proxies import UNNAMED_PROXY
from soniquebay.library.paths import encode
from soniquebay.listeners.accounts import Accounts, TooManyAttemptsError, Visitor, WrongPasswordError
from soniquebay.listeners.users import User
from soniquebay.listeners.web_sessions import LIFETIME_SECONDS
from soniquebay.reach import is_local
from soniquebay.sockets import UnixPeer

COOKIE = "soniquebay_session"
DEVICE_COOKIE = "soniquebay_device"  # it proves that a user has signed in with this browser before
DEVICE_LIFETIME_SECONDS = 400 * 86400  # browsers keep no cookie for longer
MAX_CREDENTIALS_CHARACTERS = 2000
ASSETS_PREFIX = "/assets/"  # scripts and styles of the page, which are the same on every appliance
# What has to answer before anybody has signed in. A browser asks for icon and manifest without its cookies.
OPEN_PATHS = frozenset(
    {"/api/health", "/api/session", "/api/sign-in", "/api/claim", "/sign-in", "/claim", "/sign-in/style.css"}
    | {"/api/workers/join"}  # it asks for the proof of a join code
    | {"/icon.svg", "/manifest.webmanifest"}
)
# Of every route: what `Access`, `Manager` and `SignedInUser` answer.
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "nobody has signed in"},
    403: {"model": Problem, "description": "the visitor may not do this"},
}
_RENEWED = "renewed_session"  # in the state of a request: the token of a session that lasts longer from now on
_SIGN_IN = "sign in at /sign-in, or send an app password (Authorization: Bearer …)"
_CLAIM = "this appliance has no owner yet: open /claim and enter the code that its screen shows"


class Access:
    """ASGI middleware that notes the `Visitor` of each request in its state, and answers 401 without one."""

    def __init__(
        self,
        app: ASGIApp,
        accounts: Accounts,
        open_requests: OpenRequests,
        *,
        login: bool,
        guests: bool = False,
        roots: Iterable[Path] = (),
    ) -> None:
        """`roots`: the folders of music, which only managers are told."""
        self._app = app
        self._accounts = accounts
        self._open_requests = open_requests
        self._login = login
        self._guests = guests
        self._roots = tuple(encode(f"{root}".rstrip("/") + "/") for root in roots)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, 403 or 429, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        if scope["path"].startswith(OPENSUBSONIC_PREFIX):
            # There no cookie and no header tells who sends a request: its route finds that out.
            with self._open_requests.watched(state):
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        visitor: Visitor | None = None
        refusal: Response | None = None
        try:
            visitor = await self._visitor(scope, headers)
        except WrongPasswordError as error:
            refusal = _refuse(401, str(error))
        except TooManyAttemptsError as error:
            refusal = _refuse(429, str(error), {"Retry-After": error.retry_after})
        except PermissionError as error:
            # On open paths, too: else a program of this machine that has no network could try to sign in, or to claim.
            await _refuse(403, str(error))(scope, receive, send)
            return
        if visitor is None and not is_open(scope["path"]):
            answer = refusal or await self._ask_to_sign_in(scope, headers)
            await answer(scope, receive, send)
            return
        state[VISITOR] = visitor
        if visitor is None or visitor.role != "manage":
            hidden_roots.set(self._roots)
        if token := state.get(_RENEWED):
            send = _renewing(send, token, scope)
        with self._open_requests.watched(state):
            await self._app(scope, receive, send)

    async def _visitor(self, scope: Scope, headers: Headers) -> Visitor | None:
        client = scope["client"]
        if not self._login:
            return Visitor("manage", "machine")
        authorization = headers.get("authorization")
        if authorization is not None:
            return await self._visitor_of_header(authorization, headers, address_of(scope))
        token = session_token(headers)
        if token is not None:
            found, is_renewed = self._accounts.cached_visitor(token), False
            if found is None:
                found, is_renewed = await run_in_threadpool(self._accounts.visitor_of_session, token)
            if found:
                scope["state"][_RENEWED] = token if is_renewed else None
                return found
        if isinstance(client, UnixPeer):
            if await run_in_threadpool(is_administrator, client.uid):
                return Visitor("manage", "machine")
            raise PermissionError("only administrators of this machine may use this socket: repeat it with sudo")
        # Through a proxy that is not named, a visitor from elsewhere would have the proxy's address.
        is_local_visitor = is_local(address_of(scope)) and not scope["state"].get(UNNAMED_PROXY)
        if self._guests and scope["method"] in {"GET", "HEAD"} and is_local_visitor:
            return Visitor("listen", "guest")
        return None

    async def _visitor_of_header(self, authorization: str, headers: Headers, address: str) -> Visitor:
        name, password = credentials(authorization)
        client = headers.get("user-agent", "")
        return await run_in_threadpool(self._accounts.visitor_of_app_password, password, client, address, name)

    async def _ask_to_sign_in(self, scope: Scope, headers: Headers) -> Response:
        claimed = await run_in_threadpool(self._accounts.is_claimed)
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            base = base_path(scope)
            query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
            target = quote(f"{base}{scope['path']}{query}", safe="")
            return RedirectResponse(f"{base}/sign-in?next={target}" if claimed else f"{base}/claim", 303)
        return _refuse(401, _SIGN_IN if claimed else _CLAIM)


def is_open(path: str) -> bool:
    """Tell whether a path answers visitors who have not signed in, or asks for credentials itself."""
    return path in OPEN_PATHS or path.startswith((OPENSUBSONIC_PREFIX, ASSETS_PREFIX))


def address_of(scope: Scope) -> str:
    """Return the address that a request comes from; "" when there is none."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def base_path(scope: Scope) -> str:
    """Return the path below which a request's sender sees the public API; "" for none."""
    return str(scope.get("root_path", ""))


def session_token(headers: Headers) -> str | None:
    """Return the token of the session in the cookie."""
    token = cookie_parser(headers.get("cookie", "")).get(COOKIE)
    return token[:MAX_CREDENTIALS_CHARACTERS] if token else None


def shown_device(request: Request) -> str:
    """Return what the browser shows as proof that its user has signed in there before; "" for nothing."""
    return request.cookies.get(DEVICE_COOKIE, "")[:MAX_CREDENTIALS_CHARACTERS]


def credentials(authorization: str) -> tuple[str | None, str]:
    """Return name and app password of an Authorization header: `Bearer <password>`, or Basic.

    Raises `WrongPasswordError` for another scheme.
    """
    scheme, _, value = authorization[:MAX_CREDENTIALS_CHARACTERS].partition(" ")
    if scheme.lower() == "bearer":
        return None, value.strip()
    if scheme.lower() == "basic":
        try:
            name, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            colon = ""
        if colon:
            return name, password
    raise WrongPasswordError("the header Authorization is neither `Bearer <app password>` nor Basic")


def set_session(response: Response, token: str, scope: Scope) -> None:
    """Give the browser that has sent a request the cookie of a session."""
    _set_cookie(response, COOKIE, token, LIFETIME_SECONDS, scope)


def delete_session(response: Response, scope: Scope) -> None:
    """Take the cookie of a session from the browser."""
    response.delete_cookie(COOKIE, path=base_path(scope) or "/", httponly=True, samesite="strict")


def set_cookies(response: Response, request: Request, accounts: Accounts, user: User, token: str) -> None:
    """Give the browser of a user who has just signed in its cookies."""
    set_session(response, token, request.scope)
    device = accounts.device_of(user, shown_device(request))
    _set_cookie(response, DEVICE_COOKIE, device, DEVICE_LIFETIME_SECONDS, request.scope)


def _set_cookie(response: Response, name: str, value: str, seconds: float, scope: Scope) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(seconds),
        path=base_path(scope) or "/",  # other programs behind the same proxy are not to get it
        httponly=True,
        samesite="strict",
        secure=scope["scheme"] == "https",
    )


def _renewing(send: Send, token: str, scope: Scope) -> Send:
    """Return a `send` that gives the browser the cookie of its session again, with the whole lifetime."""

    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if "set-cookie" not in headers:  # signing out, for example, says otherwise
                renewed = Response()
                set_session(renewed, token, scope)
                headers.append("set-cookie", renewed.headers["set-cookie"])
        await send(message)

    return send_with_cookie


def _refuse(status: int, reason: str, headers: dict[str, str] | None = None) -> JSONResponse:
    if status == 401:
        # "Bearer" and not "Basic": a browser would open its own dialogue in place of the page.
        headers = {"WWW-Authenticate": 'Bearer realm="SoniqueBay"'}
    return JSONResponse({"detail": reason}, status, headers)


def get_visitor(request: Request) -> Any:
    """Return the `Visitor` of a request that needs one."""
    visitor = getattr(request.state, "visitor", None)
    if visitor is None:
        raise HTTPException(401, _SIGN_IN)
    return visitor


def may_manage(request: Request) -> bool:
    """Tell whether a request comes from a visitor who may manage the appliance."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    return visitor is not None and visitor.role == "manage"


def require_manager(visitor: Annotated[Visitor, Depends(get_visitor)]) -> Visitor:
    """Return the visitor if they may manage the appliance; answer 403 otherwise."""
    if visitor.role != "manage":
        raise HTTPException(403, "only users who may manage the appliance may do this")
    return visitor


def require_user(visitor: Annotated[Visitor, Depends(get_visitor)]) -> User:
    """Return the user who sends a request, also by an app; answer 403 to guests and the machine's administrator."""
    if visitor.user is None:
        raise HTTPException(403, "stars, plays, queues and playlists belong to a user: sign in with a user's name")
    return visitor.user


def require_session(visitor: Annotated[Visitor, Depends(get_visitor)]) -> User:
    """Return the user if they have signed in with their password; answer 403 otherwise.

    An app password must not make further ones, nor lock its user out.
    """
    if visitor.user is None or visitor.authentication != "session":
        raise HTTPException(403, "sign in with name and password for this")
    return visitor.user


CurrentVisitor = Annotated[Visitor, Depends(get_visitor)]
Manager = Depends(require_manager)
CurrentUser = Annotated[User, Depends(require_user)]
SignedInUser = Annotated[User, Depends(require_session)]
