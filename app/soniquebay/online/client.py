"""The worker's way to the fetcher, over its Unix socket."""

from functools import cache
from typing import Any

import httpx

from soniquebay.online.errors import UpstreamError
from soniquebay.settings import settings

_TIMEOUT = 180.0  # seconds; the fetcher itself ends a request after one minute, and another one may stand before


class RefusedError(Exception):
    """The fetcher does not fetch such a thing."""


@cache
def _client() -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(settings().online_socket))
    return httpx.Client(transport=transport, base_url="http://online", timeout=_TIMEOUT)


def fetch(path: str, **query: str) -> bytes | None:
    """Return what the service of this path has (see `routes`); None if it has no such thing.

    Raises `UpstreamError`, also when there is no fetcher, and `RefusedError`.
    """
    try:
        response = _client().get(path, params=query)
    except httpx.TransportError as error:
        raise UpstreamError(f"the fetcher does not answer: {error or type(error).__name__}") from error
    if response.status_code == 200:
        return response.content
    if response.status_code == 404:
        return None
    words: dict[str, Any] = response.json()
    if response.status_code == 502:
        raise UpstreamError(words["reason"], words["retry_after"], answered=words["answered"])
    raise RefusedError(f"{path}: {words['reason']}")
