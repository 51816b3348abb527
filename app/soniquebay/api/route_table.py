"""The routes of an application, as one flat table."""

from fastapi import APIRouter, FastAPI


def add_routes(app: FastAPI, router: APIRouter) -> None:
    """Add the routes of a router to an application as they are.

    FastAPI's `include_router` makes a second version of each at the first request, which then holds up all others, and
    looks both up at each request. It does so for what is not used here: a router with another prefix in each place.
    """
    app.router.routes.extend(router.routes)
