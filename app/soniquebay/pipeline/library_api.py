"""The worker's way to the library: the API's internal application, over its Unix socket."""

import logging
import time
from functools import cache
from typing import Any

import httpx

from soniquebay.settings import settings

log = logging.getLogger(__name__)

PATIENCE = 120.0  # seconds that a task waits for an API that restarts; longer, and the ledger sends it again
TIMEOUT = 60.0  # seconds of one request


class ApiUnavailableError(Exception):
    """The API did not answer, or said that it cannot now."""


class RefusedError(Exception):
    """The API refuses the request, and would refuse it again."""


@cache
def _client() -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(settings().api_socket), verify=False)  # a socket has no certificates
    return httpx.Client(transport=transport, base_url="http://api", timeout=TIMEOUT)


def post(path: str, body: Any, patience: float = PATIENCE) -> dict[str, Any]:
    """POST JSON and return the answer; waits for the API up to `patience` seconds.

    Raises `ApiUnavailableError` and `RefusedError`.
    """
    return _request("POST", path, patience, json=body)


def put(path: str, body: Any, patience: float = PATIENCE) -> dict[str, Any]:
    """PUT JSON, as `post`."""
    return _request("PUT", path, patience, json=body)


def put_bytes(path: str, data: bytes, media_type: str) -> dict[str, Any]:
    """PUT bytes, as `post`."""
    return _request("PUT", path, PATIENCE, content=data, headers={"content-type": media_type})


def _request(method: str, path: str, patience: float, **arguments: Any) -> dict[str, Any]:
    deadline = time.monotonic() + patience
    pause = 0.2
    while True:
        try:
            response = _client().request(method, path, **arguments)
        except httpx.TransportError as error:
            problem = f"{type(error).__name__}: {error}"
        else:
            if response.status_code < 400:
                answer: dict[str, Any] = response.json()
                return answer
            if response.status_code < 500:
                raise RefusedError(f"{method} {path}: {response.status_code} {response.text[:500]}")
            problem = f"{response.status_code} {response.text[:200]}"
        if time.monotonic() + pause > deadline:
            raise ApiUnavailableError(f"{method} {path}: {problem}")
        log.info("waiting for the API (%s)", problem)
        time.sleep(pause)
        pause = min(pause * 2, 10.0)
