"""What the routes of the internal API have in common."""

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

Answer = dict[str, Any]
T = TypeVar("T")

# Requests of the worker that are handled at the same time: one for each of its processes. Nearly all of them use the
# writer's connection, which all threads share, so these threads take little memory.
MAX_THREADS = 4
_threads = ThreadPoolExecutor(MAX_THREADS, "internal")


async def in_thread(function: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Return what a function returns, called in a thread of the internal API.

    Slow requests of the public API have other threads, so that no insert waits for them.
    """
    call = functools.partial(contextvars.copy_context().run, function, *arguments, **named)
    return await asyncio.get_running_loop().run_in_executor(_threads, call)


class _OrjsonRequest(Request):
    """A request whose body orjson reads: a batch has a kilobyte for each track."""

    async def json(self) -> Any:
        return orjson.loads(await self.body())


class InternalRoute(APIRoute):
    """A route whose requests orjson reads, and whose function runs in a thread of the internal API."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint if inspect.iscoroutinefunction(endpoint) else _threaded(endpoint), **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function that answers a request."""
        handle = super().get_route_handler()

        async def handle_request(request: Request) -> Response:
            return await handle(_OrjsonRequest(request.scope, request.receive))

        return handle_request


def _threaded(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def run(**arguments: Any) -> Any:
        return await in_thread(function, **arguments)

    return run
