"""The page: static files, which `make web` builds from app/web. They hold nothing that only listeners may see."""

import re
from html import escape
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from soniquebay.api.access import ASSETS_PREFIX, base_path

router = APIRouter(include_in_schema=False)
FILES = Path(__file__).with_name("web")
# The first parts of the addresses of views; app/web/src/shell/App.tsx has the same ones.
VIEWS = (
    "albums", "artists", "blend", "folders", "genres", "machine", "map", "playlists", "queue", "search", "settings"
)  # fmt: skip
TOP_FILES = ("/icon.svg", "/manifest.webmanifest")
_MEDIA_TYPES = {
    ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
}  # fmt: skip
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", re.ASCII)
_ONE_YEAR = "public, max-age=31536000, immutable"  # names of assets have the hash of their content
_REVALIDATED = "no-cache"
_NOT_BUILT = "The page is not built. Run “make web” in the checkout, and reload."


def page(request: Request, rest: str = "") -> Response:
    """Return the page. The browser decides by the address what it shows."""
    try:
        html = (FILES / "index.html").read_text("utf-8")
    except FileNotFoundError:
        return HTMLResponse(f"<!DOCTYPE html><title>SoniqueBay</title><p>{_NOT_BUILT}</p>", 503)
    base = escape(base_path(request.scope))
    html = html.replace('name="base-path" content=""', f'name="base-path" content="{base}"')
    return HTMLResponse(html.replace('="./', f'="{base}/'), headers={"Cache-Control": _REVALIDATED})


router.get("/")(page)
for _view in VIEWS:
    router.get(f"/{_view}")(page)
    router.get(f"/{_view}/{{rest:path}}")(page)


@router.get(ASSETS_PREFIX + "{name}")
def asset(request: Request, name: str) -> Response:
    """Return a script or a style; 404 for any other name."""
    return _file(request, FILES / "assets", name, _ONE_YEAR)


def top_file(request: Request) -> Response:
    """Return the icon, or what a phone asks for when the page is installed."""
    return _file(request, FILES, request.scope["path"].rpartition("/")[2], _REVALIDATED)


for _path in TOP_FILES:
    router.get(_path)(top_file)


def _file(request: Request, folder: Path, name: str, cache_control: str) -> Response:
    media_type = _MEDIA_TYPES.get(Path(name).suffix)
    if media_type is None or not _FILE_NAME.fullmatch(name) or not (folder / name).is_file():
        raise HTTPException(404, f"no file {name}")
    headers = {"Cache-Control": cache_control, "Vary": "Accept-Encoding"}
    compressed = folder / f"{name}.gz"
    if "gzip" in request.headers.get("accept-encoding", "") and compressed.is_file():
        return FileResponse(compressed, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
    return FileResponse(folder / name, media_type=media_type, headers=headers)
