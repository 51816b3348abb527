"""One careful GET: its time, its size, its kind and where it may be sent on to are all limited."""

import http.client
import signal
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from soniquebay import __version__
from soniquebay.audio.picture_format import media_type
from soniquebay.online.errors import UpstreamError
from soniquebay.online.routes import JSON, Target

STEP_TIMEOUT = 15.0  # seconds for a connection, or for the next bytes
WHOLE_TIMEOUT = 60.0  # seconds for everything, however steadily it drips
_HOPS = 5
_GONE = {400, 404, 410}  # says that there is no such thing; MusicBrainz answers 400 for an id that is none


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Any
    body: bytes


def user_agent(contact: str) -> str:
    """Return who we are, in the form that MusicBrainz asks for."""
    return f"SoniqueBay/{__version__} ( {contact} )"


def get(target: Target, contact: str) -> bytes | None:
    """Fetch a target; None if the service has no such thing.

    Raises `UpstreamError`. To be called from the main thread: the limit for the whole is an alarm.
    """
    url = target.url
    home = urlsplit(url)
    try:
        with _alarm(WHOLE_TIMEOUT):
            for _ in range(_HOPS):
                answer = _request(urlsplit(url), target, user_agent(contact))
                if answer.status not in {301, 302, 303, 307, 308}:
                    return _judge(answer, target)
                url = _onward(url, answer.headers.get("Location") or "", home)
    except (OSError, http.client.HTTPException, ValueError) as error:
        # ssl's errors and every time-out are OSErrors too; ValueError: an address that is none.
        raise UpstreamError(f"{urlsplit(url).hostname}: {error or type(error).__name__}") from error
    raise UpstreamError(f"{home.hostname} sends from one address to the next without end", answered=True)


def _request(url: SplitResult, target: Target, agent: str) -> _Answer:
    secure = url.scheme == "https"
    host, port = url.hostname or "", url.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=STEP_TIMEOUT, context=_tls())
        if secure
        else http.client.HTTPConnection(host, port, timeout=STEP_TIMEOUT)
    )
    try:
        path = urlunsplit(("", "", url.path or "/", url.query, ""))
        connection.request("GET", path, headers={"User-Agent": agent, "Accept": target.kind, "Connection": "close"})
        response = connection.getresponse()
        body = response.read(target.limit + 1) if response.status == 200 else b""
        if response.length and response.status == 200 and len(body) <= target.limit:
            raise http.client.IncompleteRead(body, response.length)
        return _Answer(response.status, response.headers, body)
    finally:
        connection.close()


def _judge(answer: _Answer, target: Target) -> bytes | None:
    host = urlsplit(target.url).hostname
    if answer.status in _GONE:
        return None
    if answer.status in {429, 503}:
        raise UpstreamError(f"{host} asks for patience ({answer.status})", retry_after(answer.headers))
    if answer.status != 200:
        raise UpstreamError(f"{host} answered {answer.status}", retry_after(answer.headers), answered=True)
    if len(answer.body) > target.limit:
        raise UpstreamError(f"{host} sent more than {target.limit} bytes", answered=True)
    # By its bytes and not by its header: a hotel's log-in page calls itself many things.
    right = answer.body.lstrip()[:1] == b"{" if target.kind == JSON else media_type(answer.body) is not None
    if not right:
        raise UpstreamError(f"{host} sent something else than {target.kind}", answered=True)
    return answer.body


def _onward(url: str, location: str, home: SplitResult) -> str:
    """Return where an answer sends us on to, if that is the service itself or, from it, the Internet Archive."""
    parts = urlsplit(urljoin(url, location))
    host = (parts.hostname or "").lower()
    if (parts.scheme, parts.netloc) == (home.scheme, home.netloc):
        return parts.geturl()
    trusted = host in {home.hostname, "archive.org"} or host.endswith(".archive.org")
    if not trusted or parts.port not in {None, 80, 443} or parts.scheme not in {"http", "https"}:
        raise UpstreamError(f"{home.hostname} sends on to {host or 'nowhere'}, which is not followed", answered=True)
    # The archive's own addresses still begin with http.
    return urlunsplit(("https", host, parts.path, parts.query, ""))


def retry_after(headers: Any) -> float:
    """Return the seconds that a Retry-After asks for, given as seconds or as a date; 0 without a good one."""
    text = (headers.get("Retry-After") or "").strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return 0.0


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise TimeoutError(f"no whole answer within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
