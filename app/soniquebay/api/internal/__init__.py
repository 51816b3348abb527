"""The internal API, on the Unix socket: the worker's inserts. The public API has none of these routes."""

from fastapi import FastAPI

from soniquebay import __version__
from soniquebay.api import errors, health
from soniquebay.api.access import Access
from soniquebay.api.internal import (
    batches,
    covers,
    discovery,
    duplicates,
    loudness,
    maintenance,
    online,
    pictures,
    playlist_files,
    sound_map,
    vectors,
)
from soniquebay.api.metrics.requests import CountRequests
from soniquebay.api.route_table import add_routes
from soniquebay.api.services import Services


def internal_app(services: Services) -> FastAPI:
    """Return the internal application."""
    app = FastAPI(title="SoniqueBay, internal", version=__version__, docs_url=None, redoc_url=None)
    app.state.services = services
    # Who reaches its socket may do everything.
    app.add_middleware(Access, accounts=services.accounts, open_requests=services.open_requests, login=False)
    app.add_middleware(CountRequests, counts=services.request_counts)
    errors.install(app, database_checks_input=True)
    for module in (
        health,
        discovery,
        playlist_files,
        batches,
        vectors,
        loudness,
        sound_map,
        duplicates,
        pictures,
        covers,
        online,
        maintenance,
    ):
        add_routes(app, module.router)
    return app
