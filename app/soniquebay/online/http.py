"""One request with limits: of its time, of the size and kind of the answer, and of the hosts it may redirect to."""

import http.client
import json
import signal
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from soniquebay import __version__
from soniquebay.audio.picture_format import media_type
from soniquebay.online.errors import UpstreamError
from soniquebay.online.exchanges import MAX_ANSWER_BYTES, Answer, Exchange
from soniquebay.online.routes import JSON, Target

STEP_TIMEOUT_SECONDS = 15.0  # for a connection, or for the next bytes
TOTAL_TIMEOUT_SECONDS = 60.0  # for all redirects and the whole answer, however steadily it arrives
_MAX_REQUESTS = 5  # the first one and the redirects
_REDIRECTS = {301, 302, 303, 307, 308}
_NOT_FOUND = {400, 404, 410}  # MusicBrainz answers 400 to an invalid id
_BUSY = {429, 503}


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    headers: Any
    body: bytes


def user_agent(contact: str) -> str:
    """Return the User-Agent in the form that MusicBrainz requires, with a URL or an address as contact."""
    return f"SoniqueBay/{__version__} ( {contact} )"


def get(target: Target, contact: str) -> bytes | None:
    """Fetch a target; None if the service has nothing there.

    Raises `UpstreamError` when the service does not answer as it should within `TOTAL_TIMEOUT_SECONDS`. Only the main
    thread may call it, because that timeout is a signal.
    """
    url = target.url
    origin = urlsplit(url)
    try:
        with _time_limit(TOTAL_TIMEOUT_SECONDS):
            for _ in range(_MAX_REQUESTS):
                headers = {"User-Agent": user_agent(contact), "Accept": target.accept}
                response = _request(urlsplit(url), headers, target.max_bytes)
                if response.status not in _REDIRECTS:
                    return _checked_body(response, target)
                url = _redirect_url(url, response.headers.get("Location") or "", origin)
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Errors of TLS and timeouts are OSErrors, too. ValueError: an invalid URL.
        raise UpstreamError(f"{urlsplit(url).hostname}: {error or type(error).__name__}") from error
    raise UpstreamError(f"{origin.hostname} redirects too often", answered=True)


def send(exchange: Exchange, contact: str) -> Answer:
    """Send a request and return the service's answer, also one of refusal.

    Raises `UpstreamError` as `get` does: without a JSON object, with a redirect, and when the service asks to wait.
    """
    url = urlsplit(exchange.url)
    headers = {"User-Agent": user_agent(contact), "Accept": JSON, **exchange.headers}
    try:
        with _time_limit(TOTAL_TIMEOUT_SECONDS):
            response = _request(url, headers, MAX_ANSWER_BYTES, exchange.method, exchange.body or None, any_status=True)
    except (OSError, http.client.HTTPException) as error:
        raise UpstreamError(f"{url.hostname}: {error or type(error).__name__}") from error
    if response.status in _REDIRECTS:
        raise UpstreamError(f"{url.hostname} redirects, which is not followed: set its new address", answered=True)
    wait_seconds = retry_after(response.headers) or _window_seconds(response)
    if response.status in _BUSY:
        raise UpstreamError(f"{url.hostname} asks to wait ({response.status})", wait_seconds)
    if len(response.body) > MAX_ANSWER_BYTES:
        raise UpstreamError(f"{url.hostname} sent more than {MAX_ANSWER_BYTES} bytes", answered=True)
    try:
        content = json.loads(response.body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise UpstreamError(f"{url.hostname} answered {response.status} without JSON", wait_seconds, answered=True)
    return Answer(response.status, content, wait_seconds)


def _window_seconds(response: _Response) -> float:
    """Return for how long no further request is allowed, by ListenBrainz's headers."""
    remaining, seconds = (response.headers.get(f"X-RateLimit-{name}") or "" for name in ("Remaining", "Reset-In"))
    is_used_up = response.status in _BUSY or remaining.strip() == "0"
    return float(seconds.strip()[:9]) if is_used_up and seconds.strip().isdecimal() else 0.0


def _request(
    url: SplitResult,
    headers: Mapping[str, str],
    max_bytes: int,
    method: str = "GET",
    body: bytes | None = None,
    *,
    any_status: bool = False,
) -> _Response:
    """Send a request. The body of an answer is read up to one byte more than `max_bytes`, unless the status is bad."""
    host, port = url.hostname or "", url.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=STEP_TIMEOUT_SECONDS, context=_tls_context())
        if url.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=STEP_TIMEOUT_SECONDS)
    )
    try:
        path = urlunsplit(("", "", url.path or "/", url.query, ""))
        connection.request(method, path, body, {**headers, "Connection": "close"})
        response = connection.getresponse()
        is_read = any_status or response.status == 200
        content = response.read(max_bytes + 1) if is_read else b""
        if response.length and is_read and len(content) <= max_bytes:
            raise http.client.IncompleteRead(content, response.length)
        return _Response(response.status, response.headers, content)
    finally:
        connection.close()


def _checked_body(response: _Response, target: Target) -> bytes | None:
    """Return the body of a usable response, None for one that says not found; raise `UpstreamError` for any other."""
    host = urlsplit(target.url).hostname
    if response.status in _NOT_FOUND:
        return None
    if response.status in _BUSY:
        raise UpstreamError(f"{host} asks to wait ({response.status})", retry_after(response.headers))
    if response.status != 200:
        raise UpstreamError(f"{host} answered {response.status}", retry_after(response.headers), answered=True)
    if len(response.body) > target.max_bytes:
        raise UpstreamError(f"{host} sent more than {target.max_bytes} bytes", answered=True)
    # Check the content and not the Content-Type, which the log-in page of a public network may set to anything.
    is_json = response.body.lstrip()[:1] == b"{"
    is_expected = is_json if target.accept == JSON else media_type(response.body) is not None
    if not is_expected:
        raise UpstreamError(f"{host} did not send {target.accept}", answered=True)
    return response.body


def _redirect_url(url: str, location: str, origin: SplitResult) -> str:
    """Return the URL of a redirect, if it leads to the same service or from there to the Internet Archive.

    Raises `UpstreamError` for any other one.
    """
    parts = urlsplit(urljoin(url, location))
    host = (parts.hostname or "").lower()
    if (parts.scheme, parts.netloc) == (origin.scheme, origin.netloc):
        return parts.geturl()
    is_trusted = host in {origin.hostname, "archive.org"} or host.endswith(".archive.org")
    if not is_trusted or parts.port not in {None, 80, 443} or parts.scheme not in {"http", "https"}:
        raise UpstreamError(f"{origin.hostname} redirects to {host or 'no host'}, which is not followed", answered=True)
    # The archive redirects to http URLs, but serves the same by https.
    return urlunsplit(("https", host, parts.path, parts.query, ""))


def retry_after(headers: Any) -> float:
    """Return the seconds of a Retry-After header, which states seconds or a date; 0 if it is absent or invalid."""
    text = (headers.get("Retry-After") or "").strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return 0.0


@cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise ``TimeoutError`` in the block when it takes longer."""

    def on_alarm(*_: Any) -> None:
        raise TimeoutError(f"no complete answer within {seconds:.0f} s")

    previous = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
