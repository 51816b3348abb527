"""Claim the appliance, sign in and out, and manage users and app passwords."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response

from soniquebay.api.access import (
    REFUSALS,
    CurrentVisitor,
    Manager,
    SignedInUser,
    address_of,
    delete_session,
    require_manager,
    set_cookies,
    shown_device,
)
from soniquebay.api.models import accounts as models
from soniquebay.api.models.problems import NOT_JSON, Problem, Refused
from soniquebay.api.services import Services, Shared
from soniquebay.listeners import app_passwords, passwords, users, web_sessions
from soniquebay.listeners.accounts import TooManyAttemptsError, Visitor, WrongPasswordError

router = APIRouter(prefix="/api", tags=["accounts"], responses=REFUSALS)
Id = Annotated[int, Path(ge=1, le=2**62)]
_ManagingVisitor = Annotated[Visitor, Depends(require_manager)]


def _problems(**reasons: str) -> dict[int | str, dict[str, Any]]:
    answers: dict[int | str, dict[str, Any]] = {}
    for name, text in reasons.items():
        status = int(name.removeprefix("_"))
        answers[status] = {"model": Refused if status == 422 else Problem, "description": text}
    return answers


_ATTEMPT = {
    "_401": "they do not match",
    "_429": "too many failed attempts; `Retry-After` says for how long",
}


@router.get("/session", response_model=models.Session)
def current_session(request: Request, services: Shared) -> Any:
    """Return who has signed in. This needs no login."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    return {
        "claimed": services.accounts.is_claimed(),
        "user": visitor and visitor.user,
        "role": visitor and visitor.role,
        "means": visitor and visitor.authentication,
    }


@router.post(
    "/claim",
    status_code=201,
    response_model=models.User,
    responses=NOT_JSON
    | _problems(**_ATTEMPT, _409="there is an owner already", _422="a name or password that is not accepted"),
)
async def claim(request: Request, services: Shared, body: models.Claim, response: Response) -> Any:
    """Make the owner, once, by the code that the machine shows; the owner has signed in then.

    An administrator of the machine, by its Unix socket, needs no code.
    """
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    if visitor and visitor.authentication == "machine":
        return await services.sign_in(lambda: _made(lambda: services.accounts.make_owner(body.name, body.password)))
    return await _sign_in(
        services,
        request,
        response,
        lambda address, browser: services.accounts.claim(body.code, body.name, body.password, address, browser),
    )


@router.post(
    "/claim/machine",
    status_code=201,
    response_model=models.User,
    responses=NOT_JSON | _problems(_409="there is an owner already", _422="a name or hash that is not accepted"),
)
def adopt(services: Shared, visitor: _ManagingVisitor, body: models.Adoption) -> Any:
    """Make a user of the machine the owner, with the password of the machine. Only its administrators may do this."""
    if visitor.authentication != "machine":
        raise HTTPException(403, "only administrators of the machine may do this")
    return _made(lambda: services.accounts.adopt(body.name, body.machines_hash))


@router.post("/sign-in", response_model=models.User, responses=NOT_JSON | _problems(**_ATTEMPT))
async def sign_in(request: Request, services: Shared, body: models.Credentials, response: Response) -> Any:
    """Sign in with name and password. The answer sets the cookie of a session."""
    return await _sign_in(
        services,
        request,
        response,
        lambda address, browser: services.accounts.sign_in(
            body.name, body.password, address, browser, shown_device(request)
        ),
    )


@router.post("/sign-out", status_code=204)
def sign_out(request: Request, services: Shared, visitor: CurrentVisitor, response: Response) -> None:
    """End the session of this browser."""
    if visitor.authentication == "session" and visitor.user and visitor.id:
        with services.accounts.change() as db:
            web_sessions.end(db, visitor.user.id, visitor.id)
    delete_session(response, request.scope)


@router.put(
    "/account/password",
    status_code=204,
    responses=NOT_JSON | _problems(**_ATTEMPT, _422="a password that is not accepted"),
)
async def change_password(
    request: Request, services: Shared, user: SignedInUser, body: models.PasswordChange, response: Response
) -> None:
    """Change one's own password. All sessions end, and this browser gets a new one.

    The app passwords stay, unless `revoke_apps` is true: whoever thinks that somebody else was here wants that.
    """

    def change(address: str, browser: str) -> tuple[users.User, str]:
        services.accounts.sign_in(user.name, body.old, address, browser, shown_device(request))
        with services.accounts.change() as db:
            users.set_password(db, user.id, body.new)
            if body.revoke_apps:
                app_passwords.revoke_all(db, user.id)
            return user, web_sessions.begin(db, user.id, address, browser)

    await _sign_in(services, request, response, change)


@router.get("/account/app-passwords", response_model=models.AppPasswords)
def list_app_passwords(services: Shared, user: SignedInUser) -> Any:
    """List one's own app passwords, with their last use."""
    return {"items": app_passwords.of_user(services.accounts.database.reader(), user.id)}


@router.post(
    "/account/app-passwords",
    status_code=201,
    response_model=models.MadeAppPassword,
    responses=NOT_JSON | _problems(_403="the role is higher than the user's", _422="a name that is not accepted"),
)
def make_app_password(services: Shared, user: SignedInUser, body: models.NewAppPassword) -> Any:
    """Make an app password. It is shown in this answer only."""
    if body.role == "manage" and user.role != "manage":
        raise HTTPException(403, "an app may not do more than its user")
    try:
        with services.accounts.change() as db:
            made, password = app_passwords.make(db, services.accounts.key, user.id, body.name, body.role)
    except app_passwords.UnacceptableAppPasswordError as error:
        raise HTTPException(422, str(error)) from error
    return {"id": made, "name": body.name.strip(), "password": password}


@router.delete("/account/app-passwords/current", status_code=204, responses=_problems(_403="no app sent this"))
def revoke_own_password(services: Shared, visitor: CurrentVisitor) -> None:
    """Revoke the app password with which this request came."""
    if visitor.authentication != "app password" or visitor.user is None or visitor.id is None:
        raise HTTPException(403, "this request came without an app password")
    with services.accounts.change() as db:
        app_passwords.revoke(db, visitor.user.id, visitor.id)


@router.delete(
    "/account/app-passwords/{password_id}", status_code=204, responses=_problems(_404="no such app password")
)
def revoke_app_password(services: Shared, user: SignedInUser, password_id: Id) -> None:
    """Revoke one of one's own app passwords."""
    with services.accounts.change() as db:
        if not app_passwords.revoke(db, user.id, password_id):
            raise HTTPException(404, f"no app password {password_id}")


@router.get("/account/sessions", response_model=models.WebSessions)
def list_sessions(services: Shared, user: SignedInUser, visitor: CurrentVisitor) -> Any:
    """List the browsers in which one has signed in."""
    found = web_sessions.of_user(services.accounts.database.reader(), user.id)
    return {"items": [{**session, "is_current": session["id"] == visitor.id} for session in found]}


@router.delete("/account/sessions/{session_id}", status_code=204, responses=_problems(_404="no such session"))
def end_session(services: Shared, user: SignedInUser, session_id: Id) -> None:
    """Sign out in another browser."""
    with services.accounts.change() as db:
        if not web_sessions.end(db, user.id, session_id):
            raise HTTPException(404, f"no session {session_id}")


@router.get("/users", response_model=models.Users, dependencies=[Manager])
def list_users(services: Shared) -> Any:
    """List the users."""
    return {"items": users.all_users(services.accounts.database.reader())}


@router.post(
    "/users",
    status_code=201,
    response_model=models.User,
    responses=NOT_JSON | _problems(_409="there is no owner yet", _422="a name or password that is not accepted"),
)
def add_user(services: Shared, visitor: _ManagingVisitor, body: models.NewUser) -> Any:
    """Add a user."""
    _refuse_app(visitor)

    def add() -> users.User:
        with services.accounts.change() as db:
            return users.add(db, body.name, body.password, body.role)

    return _made(add)


@router.patch(
    "/users/{user_id}",
    response_model=models.User,
    responses=NOT_JSON
    | _problems(
        _403="only the owner may",
        _404="no such user",
        _409="the owner always manages",
        _422="a password that is not accepted",
    ),
)
def change_user(services: Shared, visitor: _ManagingVisitor, user_id: Id, body: models.UserChange) -> Any:
    """Give a user another role or another password. With the password, the user's sessions and app passwords end."""
    _refuse_app(visitor)

    def change() -> users.User:
        with services.accounts.change() as db:
            user = _existing(services, user_id)
            if user.is_owner and not _is_owner_or_machine(visitor):
                raise HTTPException(403, "only the owner, or an administrator of the machine, changes the owner")
            if body.password is not None:
                users.set_password(db, user_id, body.password)
                app_passwords.revoke_all(db, user_id)
            return users.set_role(db, user_id, body.role or user.role)

    return _made(change)


@router.delete(
    "/users/{user_id}",
    status_code=204,
    responses=_problems(_404="no such user", _409="the owner cannot be removed"),
)
def remove_user(services: Shared, visitor: _ManagingVisitor, user_id: Id) -> None:
    """Remove a user, with all that the user has kept."""
    _refuse_app(visitor)

    def remove() -> None:
        with services.accounts.change() as db:
            users.remove(db, user_id)

    _made(remove)


async def _sign_in(
    services: Services, request: Request, response: Response, begin: Callable[[str, str], tuple[users.User, str]]
) -> users.User:
    """Begin a session, and set its cookie. Answer 401, 409, 422 or 429 when that is refused."""
    try:
        address, browser = address_of(request.scope), request.headers.get("user-agent", "")
        user: users.User
        user, token = await services.sign_in(lambda: _made(lambda: begin(address, browser)))
    except WrongPasswordError as error:
        raise HTTPException(401, str(error)) from error
    except TooManyAttemptsError as error:
        raise HTTPException(429, str(error), {"Retry-After": error.retry_after}) from error
    set_cookies(response, request, services.accounts, user, token)
    return user


def _made(change: Callable[[], Any]) -> Any:
    """Return what a change returns. Raises the answers 404, 409 and 422 for what it refuses."""
    try:
        return change()
    except (users.UnacceptableNameError, passwords.UnacceptablePasswordError) as error:
        raise HTTPException(422, str(error)) from error
    except (users.ClaimedError, users.OwnerError) as error:
        raise HTTPException(409, str(error)) from error
    except LookupError as error:
        raise HTTPException(404, str(error)) from error


def _existing(services: Services, user_id: int) -> users.User:
    user = users.by_id(services.accounts.database.reader(), user_id)
    if user is None:
        raise HTTPException(404, f"no user {user_id}")
    return user


def _is_owner_or_machine(visitor: Visitor) -> bool:
    return visitor.authentication == "machine" or (visitor.user is not None and visitor.user.is_owner)


def _refuse_app(visitor: Visitor) -> None:
    """Answer 403 to an app: with its password it could make itself a user that outlives the password."""
    if visitor.authentication not in {"session", "machine"}:
        raise HTTPException(403, "sign in with name and password for this")
