"""The worker's client of the fetcher, over its Unix socket."""

from functools import cache
from typing import Any

import httpx

from soniquebay.online.errors import UpstreamError
from soniquebay.settings import settings

_TIMEOUT_SECONDS = 180.0  # the fetcher limits a request to one minute, and another one may come first


class RefusedError(Exception):
    """The fetcher does not allow this request."""


@cache
def _client() -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(settings().online_socket))
    return httpx.Client(transport=transport, base_url="http://online", timeout=_TIMEOUT_SECONDS)


def fetch(path: str, **query: str) -> bytes | None:
    """Return what the service has under a path of `routes`; None if it has nothing there.

    Raises `UpstreamError` when the service or the fetcher does not answer as it should, and `RefusedError` when the
    path is not one of `routes`.
    """
    try:
        response = _client().get(path, params=query)
    except httpx.TransportError as error:
        raise UpstreamError(f"the fetcher does not answer: {error or type(error).__name__}") from error
    if response.status_code == 200:
        return response.content
    if response.status_code == 404:
        return None
    problem: dict[str, Any] = response.json()
    if response.status_code == 502:
        raise UpstreamError(problem["reason"], problem["retry_after"], answered=problem["answered"])
    raise RefusedError(f"{path}: {problem['reason']}")
