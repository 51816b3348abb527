"""The page that describes the public API: Swagger UI, from files of this machine alone.

The package `fastapi-swagger` carries the files of `swagger-ui-dist`. Its code is never imported. See
docs/decisions/0120-offline-api-page.md.
"""

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

router = APIRouter(include_in_schema=False)

CACHE_CONTROL = "public, max-age=3600"
_PAGE = Path(__file__).with_name("docs_page")


def _resources_of(package: str) -> Path:
    """Return a package's folder `resources`, without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(f"the package {package} is not installed")
    return Path(spec.origin).with_name("resources")


_SWAGGER_UI = _resources_of("fastapi_swagger")
_ASSETS = {
    "swagger-ui-bundle.js": (_SWAGGER_UI, "text/javascript"),
    "swagger-ui.css": (_SWAGGER_UI, "text/css"),
    "favicon-32x32.png": (_SWAGGER_UI, "image/png"),
    "swagger-initializer.js": (_PAGE, "text/javascript"),
}


@router.get("/docs")
def page() -> FileResponse:
    """Return the page."""
    return FileResponse(_PAGE / "index.html", media_type="text/html")


@router.get("/docs/assets/{name}")
def asset(name: str) -> FileResponse:
    """Return one of the page's files; 404 for any other name."""
    if name not in _ASSETS:
        raise HTTPException(404, f"no file {name}")
    folder, media_type = _ASSETS[name]
    return FileResponse(folder / name, media_type=media_type, headers={"Cache-Control": CACHE_CONTROL})
