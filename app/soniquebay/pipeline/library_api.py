"""The worker's client of the API's internal application, over its Unix socket."""

import logging
import time
from functools import cache
from typing import Any

import httpcore  # noqa: F401 - httpx imports it with its first client, which would be in each child process
import httpx
import orjson

from soniquebay.settings import settings

log = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 120.0  # for an API that restarts; a task that fails after it is sent again from the ledger
REQUEST_TIMEOUT_SECONDS = 60.0
_JSON = {"content-type": "application/json"}


class ApiUnavailableError(Exception):
    """The API did not answer, or answered with a server error (5xx)."""


class RefusedError(Exception):
    """The API refused the request (4xx), and would refuse it again."""


@cache
def _client() -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(settings().api_socket), verify=False)  # a Unix socket has no TLS
    return httpx.Client(transport=transport, base_url="http://api", timeout=REQUEST_TIMEOUT_SECONDS)


def post(path: str, body: Any, max_wait_seconds: float = MAX_WAIT_SECONDS) -> dict[str, Any]:
    """POST JSON and return the JSON answer; repeat the request for `max_wait_seconds` while the API is unavailable.

    Raises `ApiUnavailableError` after that, and `RefusedError` at once.
    """
    return _request("POST", path, max_wait_seconds, content=_encoded(body), headers=_JSON)


def post_encoded(path: str, body: bytes) -> dict[str, Any]:
    """POST a body that is JSON already, and return the JSON answer, like `post`."""
    return _request("POST", path, MAX_WAIT_SECONDS, content=body, headers=_JSON)


def put(path: str, body: Any, max_wait_seconds: float = MAX_WAIT_SECONDS) -> dict[str, Any]:
    """PUT JSON and return the JSON answer, like `post`."""
    return _request("PUT", path, max_wait_seconds, content=_encoded(body), headers=_JSON)


def put_bytes(path: str, data: bytes, media_type: str) -> dict[str, Any]:
    """PUT bytes and return the JSON answer, like `post`."""
    return _request("PUT", path, MAX_WAIT_SECONDS, content=data, headers={"content-type": media_type})


def _encoded(body: Any) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)


def _request(method: str, path: str, max_wait_seconds: float, **arguments: Any) -> dict[str, Any]:
    deadline = time.monotonic() + max_wait_seconds
    delay = 0.2
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
        if time.monotonic() + delay > deadline:
            raise ApiUnavailableError(f"{method} {path}: {problem}")
        log.info("waiting for the API (%s)", problem)
        time.sleep(delay)
        delay = min(delay * 2, 10.0)
