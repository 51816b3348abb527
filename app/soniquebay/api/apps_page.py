"""The page on which a user gives apps their passwords: a form, which needs no script."""

import time
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from soniquebay.api import accounts
from soniquebay.api.access import CurrentVisitor, base_path
from soniquebay.api.forms import form_html, page, read_form
from soniquebay.api.services import Services, Shared
from soniquebay.listeners import app_passwords
from soniquebay.listeners.accounts import Visitor
from soniquebay.listeners.users import Role, User

router = APIRouter(include_in_schema=False)
PATH = "/apps"
_SIGN_OUT = "/sign-out"
_WITHOUT_LOGIN = "<p>This SoniqueBay asks for no login: an app may send any name and any password.</p>"
_ROLES = {"listen": "listens", "manage": "manages, too"}


@router.get(PATH)
def apps(request: Request, services: Shared, visitor: CurrentVisitor) -> Response:
    """Show the apps of a user, and a form for another one. Who has not signed in is led to that."""
    user = _signed_in(visitor)
    if user is None:
        return _without_user(request, services)
    return _apps_page(request, services, user)


@router.post(PATH)
async def make(request: Request, services: Shared, visitor: CurrentVisitor) -> Response:
    """Make an app password, and show it once."""
    form = await read_form(request)
    return await run_in_threadpool(_make, request, services, visitor, form)


@router.post(f"{PATH}/revoke")
async def revoke(request: Request, services: Shared, visitor: CurrentVisitor) -> Response:
    """Revoke an app password."""
    form = await read_form(request)
    return await run_in_threadpool(_revoke, request, services, visitor, form.get("id", ""))


@router.post(_SIGN_OUT)
def sign_out(request: Request, services: Shared, visitor: CurrentVisitor) -> Response:
    """End the session of this browser, and lead to the form that begins one."""
    answer = RedirectResponse(f"{base_path(request.scope)}/sign-in", 303)
    accounts.sign_out(request, services, visitor, answer)
    return answer


def _make(request: Request, services: Services, visitor: Visitor, form: dict[str, str]) -> Response:
    user = _signed_in(visitor)
    if user is None:
        return _without_user(request, services)
    name = form.get("name", "")
    try:
        with services.accounts.change() as db:
            role: Role = "manage" if form.get("manages") and user.role == "manage" else "listen"
            _, password = app_passwords.make(db, services.accounts.key, user.id, name, role)
    except app_passwords.UnacceptableAppPasswordError as error:
        return _apps_page(request, services, user, error=str(error), status=422, name=name)
    return _apps_page(request, services, user, made=_made_html(request, user, name.strip(), password))


def _revoke(request: Request, services: Services, visitor: Visitor, number: str) -> Response:
    user = _signed_in(visitor)
    if user is None:
        return _without_user(request, services)
    if number.isascii() and number.isdecimal() and len(number) < 19:
        with services.accounts.change() as db:
            app_passwords.revoke(db, user.id, int(number))  # nothing to revoke: another tab was quicker
    return RedirectResponse(f"{base_path(request.scope)}{PATH}", 303)


def _signed_in(visitor: Visitor) -> User | None:
    """Return the user who has signed in by name and password. An app password must not make further ones."""
    return visitor.user if visitor.authentication == "session" else None


def _without_user(request: Request, services: Services) -> Response:
    if not services.settings.login:
        return page(request, "Apps", _WITHOUT_LOGIN + _settings_html([("Server", _server(request))]))
    return RedirectResponse(f"{base_path(request.scope)}/sign-in?next={base_path(request.scope)}{PATH}", 303)


def _apps_page(
    request: Request,
    services: Services,
    user: User,
    *,
    made: str = "",
    error: str = "",
    status: int = 200,
    name: str = "",
) -> Response:
    found = app_passwords.of_user(services.accounts.database.reader(), user.id)
    fields = (
        "<label>Name of the app, such as “Symfonium on my phone”"
        f'<input name="name" required maxlength="{app_passwords.MAX_NAME_CHARACTERS}" value="{escape(name)}"></label>'
    )
    if user.role == "manage":
        fields += '<label class="check"><input type="checkbox" name="manages"> It may start scans, too</label>'
    content = (
        made
        + "<p>Listen with apps that speak OpenSubsonic or Subsonic. Each gets a password of its own.</p>"
        + form_html(request, PATH, fields, "Make a password")
        + "".join(_app_html(request, app) for app in found)
        + form_html(request, _SIGN_OUT, "", f"Sign out {user.name}")
    )
    return page(request, "Apps", content, error, status)


def _made_html(request: Request, user: User, name: str, password: str) -> str:
    settings = [("Server", _server(request)), ("Name", user.name), ("Password", password)]
    return (
        f'<section role="status"><p>Enter this in {escape(name)}. The password is shown only now.</p>'
        f"{_settings_html(settings)}</section>"
    )


def _settings_html(settings: list[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd><code>{escape(value)}</code></dd>" for name, value in settings)
    return f"<dl>{rows}</dl>"


def _app_html(request: Request, app: dict[str, Any]) -> str:
    used = "not used yet"
    if app["used_at"] is not None:
        used = f"used on {time.strftime('%Y-%m-%d', time.localtime(app['used_at']))}"
        used += f" by {app['used_by']}" if app["used_by"] else ""
    fields = (
        f"<h2>{escape(app['name'])}</h2><p>{_ROLES[app['role']]}; {escape(used)}</p>"
        f'<input type="hidden" name="id" value="{app["id"]}">'
    )
    return form_html(request, f"{PATH}/revoke", fields, f"Revoke {app['name']}")


def _server(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}{base_path(request.scope)}"
