"""Pages that are plain forms, without a script: how they are read, and how they look."""

from html import escape
from typing import Any
from urllib.parse import parse_qs

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse

from soniquebay.api.access import base_path

STYLE_PATH = "/sign-in/style.css"
MAX_FIELDS = 20


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form as browsers send it by default (application/x-www-form-urlencoded)."""
    text = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise HTTPException(422, "the form has too many fields") from error
    return {name: values[0] for name, values in fields.items()}


def form_html(request: Request, path: str, fields: str, button: str) -> str:
    """Return a form that is sent to a path of this API. `fields` is HTML, `button` plain text."""
    action = f"{base_path(request.scope)}{path}"
    return f'<form method="post" action="{action}">{fields}<button type="submit">{escape(button)}</button></form>'


def page(
    request: Request, title: str, content: str, error: str = "", status: int = 200, *, language: str = "en"
) -> HTMLResponse:
    """Return a page. `content` is HTML; title and error are plain text, the error in English."""
    base = base_path(request.scope)
    alert = f'<p role="alert" lang="en">{escape(error)}</p>' if error else ""
    html = (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} – SoniqueBay</title>"
        f'<link rel="icon" href="{base}/icon.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="{base}{STYLE_PATH}"></head><body><main>'
        f'<p class="brand"><img src="{base}/icon.svg" alt="" width="28" height="28">SoniqueBay</p>'
        f"<h1>{escape(title)}</h1>{alert}{content}</main></body></html>\n"
    )
    headers: dict[str, Any] = {"Cache-Control": "no-store"}
    return HTMLResponse(html, status, headers)
