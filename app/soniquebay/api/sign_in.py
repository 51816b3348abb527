"""The pages on which a person claims the appliance and signs in: plain forms, without a script."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from soniquebay.api.access import address_of, base_path, set_cookies, shown_device
from soniquebay.api.forms import STYLE_PATH, form_html, page, read_form
from soniquebay.api.services import Services, Shared
from soniquebay.api.sign_in_texts import texts_for
from soniquebay.api.web_security import CONTENT_SECURITY_POLICY, FORM_ACTION
from soniquebay.listeners import passwords, users
from soniquebay.listeners.accounts import TooManyAttemptsError, WrongPasswordError

router = APIRouter(include_in_schema=False)
_STYLE = Path(__file__).with_name("sign_in_page") / "style.css"
_REFUSALS: dict[type[Exception], int] = {
    WrongPasswordError: 401,
    TooManyAttemptsError: 429,
    users.ClaimedError: 409,
    users.UnacceptableNameError: 422,
    passwords.UnacceptablePasswordError: 422,
}


@router.get(STYLE_PATH)
def style() -> FileResponse:
    """Return the style of all forms."""
    return FileResponse(_STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})


@router.get("/sign-in")
def sign_in_page(request: Request, services: Shared, next: str = "") -> Response:
    """Return the form for name and password, or lead to the claim of an appliance without an owner."""
    if not services.accounts.is_claimed():
        return RedirectResponse(f"{base_path(request.scope)}/claim", 303)
    return _sign_in_form(request, _target(request, next))


@router.post("/sign-in")
async def sign_in(request: Request, services: Shared) -> Response:
    """Sign in, and lead to the page that was asked for."""
    form = await read_form(request)
    target = _target(request, form.get("next", ""))

    def answer_to(error: str, status: int) -> Response:
        return _sign_in_form(request, target, error, status, form.get("name", ""))

    return await _begin(
        services,
        request,
        lambda address, browser: services.accounts.sign_in(
            form.get("name", ""), form.get("password", ""), address, browser, shown_device(request)
        ),
        answer_to,
        target,
    )


@router.get("/claim")
def claim_page(request: Request, services: Shared, code: str = "") -> Response:
    """Return the form that makes the owner; a link can have the code in it."""
    if services.accounts.is_claimed():
        return RedirectResponse(f"{base_path(request.scope)}/sign-in", 303)
    return _claim_form(request, code=code)


@router.post("/claim")
async def claim(request: Request, services: Shared) -> Response:
    """Make the owner."""
    form = await read_form(request)

    def claim_now(address: str, browser: str) -> tuple[users.User, str]:
        if form.get("password") != form.get("again"):
            raise passwords.UnacceptablePasswordError("the two passwords differ")
        return services.accounts.claim(
            form.get("code", ""), form.get("name", ""), form.get("password", ""), address, browser
        )

    return await _begin(
        services,
        request,
        claim_now,
        lambda error, status: _claim_form(request, error, status, form.get("name", ""), form.get("code", "")),
        _target(request, ""),
    )


async def _begin(
    services: Services,
    request: Request,
    begin: Callable[[str, str], tuple[users.User, str]],
    answer_to: Callable[[str, int], Response],
    target: str,
) -> Response:
    browser = request.headers.get("user-agent", "")
    try:
        user, token = await services.sign_in(lambda: begin(address_of(request.scope), browser))
    except tuple(_REFUSALS) as error:
        answer = answer_to(str(error), _REFUSALS[type(error)])
        if isinstance(error, TooManyAttemptsError):
            answer.headers["Retry-After"] = error.retry_after
        return answer
    answer = RedirectResponse(target, 303)
    set_cookies(answer, request, services.accounts, user, token)
    return answer


def _target(request: Request, wanted: str) -> str:
    """Return the page to which a sign-in leads: the one that was wanted, or the first page."""
    page = own_page(wanted, request.headers.get("host", ""))
    return f"{base_path(request.scope)}/" if page == "/" else page


def own_page(target: str, host: str) -> str:
    """Return the address of a page of this machine (any port of it, for Flower); "/" for any other."""
    try:
        parts = urlsplit(target)
        own = not parts.netloc or parts.hostname == urlsplit(f"//{host}").hostname
        _ = parts.port  # raises for what is no number
    except ValueError:
        return "/"
    is_path = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    is_url = parts.scheme in {"http", "https"} and bool(parts.netloc) and own and "@" not in parts.netloc
    if not (is_path or is_url) or "\\" in target or not target.isprintable():
        return "/"
    return target


def _sign_in_form(request: Request, target: str, error: str = "", status: int = 200, name: str = "") -> HTMLResponse:
    language, texts = texts_for(request.headers.get("accept-language", ""))
    name_label, password_label = texts.sign_in_fields
    fields = (
        f'<input type="hidden" name="next" value="{escape(target)}">'
        f'<label>{name_label}<input name="name" autocomplete="username" required autofocus value="{escape(name)}">'
        f'</label><label>{password_label}<input name="password" type="password" autocomplete="current-password" '
        "required></label>"
    )
    form = form_html(request, "/sign-in", fields, texts.sign_in)
    answer = page(request, texts.sign_in, form, error, status, language=language)
    parts = urlsplit(target)
    if parts.netloc:
        # Browsers apply `form-action` to where the answer leads, too: to another port of this machine, for Flower.
        allowed = f"{FORM_ACTION} {parts.scheme}://{parts.netloc}"
        answer.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(FORM_ACTION, allowed)
    return answer


def _claim_form(request: Request, error: str = "", status: int = 200, name: str = "", code: str = "") -> HTMLResponse:
    language, texts = texts_for(request.headers.get("accept-language", ""))
    code_label, name_label, password_label, again_label = texts.claim_fields
    is_linked = bool(code) and status != _REFUSALS[WrongPasswordError]
    on_code, on_name = ("", " autofocus") if is_linked else (" autofocus", "")
    fields = (
        f'<label>{code_label}<input name="code" autocomplete="off" required{on_code} value="{escape(code)}"></label>'
        f'<label>{name_label}<input name="name" autocomplete="username" required{on_name} '
        f'value="{escape(name)}"></label>'
        f'<label>{password_label}<input name="password" type="password" autocomplete="new-password" required '
        f'minlength="{passwords.MIN_CHARACTERS}"></label>'
        f'<label>{again_label}<input name="again" type="password" autocomplete="new-password" required></label>'
    )
    text = f"<p>{texts.no_owner} {texts.choose if is_linked else texts.where_code}</p>"
    form = form_html(request, "/claim", fields, texts.mine)
    return page(request, texts.welcome, text + form, error, status, language=language)
