"""The application for workers on other machines, on a Unix socket of its own, to which the worker proxy forwards."""

from fastapi import FastAPI

from soniquebay import __version__
from soniquebay.api import errors
from soniquebay.api.public import MAX_BODY_BYTES
from soniquebay.api.remote import tracks
from soniquebay.api.route_table import add_routes
from soniquebay.api.services import Services


def remote_app(services: Services) -> FastAPI:
    """Return the application for workers on other machines. Each of its routes asks for the worker's token."""
    app = FastAPI(
        title="SoniqueBay, remote workers",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        max_body_size=MAX_BODY_BYTES,
    )
    app.state.services = services
    errors.install(app, database_checks_input=True)
    add_routes(app, tracks.router)
    return app
