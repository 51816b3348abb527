"""Follow a scan to its end by the API's event stream."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from soniquebay.cli.credentials import password_for

MAX_SILENCE_SECONDS = 45.0  # until the stream counts as broken; the API sends a comment every 15 s
GIVE_UP_AFTER_SECONDS = 300.0  # without any answer
UNIX = "unix://"  # how an address begins that is a Unix socket
Snapshot = dict[str, Any]


def searchable(progress: Snapshot) -> bool:
    """Tell whether every track of the scan is searchable, or the scan was cancelled."""
    return progress["status"] in {"completed", "cancelled"}


def analysed(progress: Snapshot) -> bool:
    """Tell whether also no track of the library waits for its analysis, or the scan was cancelled."""
    if progress["phase"] == "done":
        return not progress["library_vectors_waiting"]
    return bool(progress["phase"] == "cancelled")


def follow_scan(
    url: str,
    session_id: int,
    show: Callable[[Snapshot], None] = lambda progress: None,
    *,
    until: Callable[[Snapshot], bool] = analysed,
) -> dict[str, Any]:
    """Follow a scan until its progress satisfies `until`, and return its summary.

    `show` is called with each progress, as `models.scans.Progress` has it. The summary has the counts of the session
    and of the library, `seconds` (of the scan itself), `waited` (seconds of this call) and `per_minute` (files).
    Raises ``httpx.HTTPError`` when the API does not answer for `GIVE_UP_AFTER_SECONDS`.
    """
    started = time.monotonic()
    with client_of(url) as api:
        for progress in _snapshots(api, session_id):
            show(progress)
            if until(progress):
                break
        return _summary(api, session_id, time.monotonic() - started)


def client_of(url: str, *, signed_in: bool = True) -> httpx.Client:
    """Return a client of an API, by ``http://``, ``https://`` or ``unix:///path/to/socket``.

    With `signed_in` it sends the app password that `soniquebay login` has kept for this URL.
    Without https it skips the certificates, which take a while to load.

    Each request has a connection of its own: the API closes an idle one after five seconds, and a request that was sent
    at that moment would fail.
    """
    one_request_each = httpx.Limits(max_keepalive_connections=0)
    if url.startswith(UNIX):
        transport = httpx.HTTPTransport(uds=url.removeprefix(UNIX), limits=one_request_each, verify=False)
        return httpx.Client(base_url="http://localhost", timeout=30, transport=transport)
    password = password_for(url) if signed_in else None
    return httpx.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {password}"} if password else {},
        timeout=30,
        limits=one_request_each,
        verify=url.startswith("https:"),
    )


def _snapshots(api: httpx.Client, session_id: int) -> Iterator[Snapshot]:
    """Yield the progress of a session as it changes. When the stream breaks, reconnect after the last event."""
    last_id: str | None = None
    answered_at = time.monotonic()
    yield _state(api, session_id)
    while True:
        try:
            for event_id, data in _events(api, last_id):
                last_id, answered_at = event_id or last_id, time.monotonic()
                # Without an event of ours, ask: the session may have changed without one.
                yield data if data and data["session_id"] == session_id else _state(api, session_id)
        except httpx.HTTPError:
            if time.monotonic() - answered_at > GIVE_UP_AFTER_SECONDS:
                raise
        time.sleep(1)


def _state(api: httpx.Client, session_id: int) -> Snapshot:
    progress: Snapshot = _session(api, session_id)["progress"]
    return progress


def _session(api: httpx.Client, session_id: int) -> dict[str, Any]:
    response = api.get(f"/api/scan-sessions/{session_id}")
    response.raise_for_status()
    session: dict[str, Any] = response.json()
    return session


def _events(api: httpx.Client, last_id: str | None) -> Iterator[tuple[str | None, Snapshot | None]]:
    """Yield the id and the data of each event, and (None, None) for each comment and once at the start."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    timeout = httpx.Timeout(30, read=MAX_SILENCE_SECONDS)
    with api.stream("GET", "/api/events", headers=headers, timeout=timeout) as response:
        response.raise_for_status()
        yield None, None
        event_id, name = "", ""
        for line in response.iter_lines():
            if line.startswith(":"):
                yield None, None
            field, _, value = line.partition(": ")
            if field == "id":
                event_id = value
            elif field == "event":
                name = value
            elif field == "data" and name == "scan":
                yield event_id, json.loads(value)


def _summary(api: httpx.Client, session_id: int, waited: float) -> dict[str, Any]:
    """Return the result of a scan. `seconds` is the time of the scan itself, `waited` that of the caller (seconds)."""
    session = _session(api, session_id)
    library = session["library"]
    return {
        "session_id": session_id,
        "status": session["status"],
        "files": session["files"],
        "tracks": library["tracks"],
        "albums": library["albums"],
        "artists": library["artists"],
        "failures": session["failures"],
        "left_out": session["left_out"],
        "missing": session["missing"],
        "moved": session["moved"],
        "protected": session["protected"],
        "vectors": library["vectors"],
        "vectors_waiting": session["progress"]["library_vectors_waiting"],
        "vector_failures": library["vector_failures"],
        "doubtful_texts": library["doubtful_texts"],
        "seconds": session["progress"]["seconds"],
        "waited": round(waited, 3),
        "per_minute": round(60 * session["files"] / max(waited, session["progress"]["seconds"], 1e-3), 1),
    }
