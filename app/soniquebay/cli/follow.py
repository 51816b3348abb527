"""A scan followed to its end by the appliance's event stream."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

SILENCE = 45.0  # seconds; the API sends a sign of life every 15
GIVE_UP = 300.0  # seconds without any answer
Snapshot = dict[str, Any]


def searchable(progress: Snapshot) -> bool:
    """Tell whether every track of the scan can be found, or the scan was cancelled."""
    return progress["status"] in {"completed", "cancelled"}


def analysed(progress: Snapshot) -> bool:
    """Tell whether every track of the library also has its vector, or a reason for none, or the scan was cancelled."""
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
    """Follow the scan until `until`, hand each state to `show`, and return its summary.

    The summary has `status`, `files`, `tracks`, `albums`, `artists`, `failures`, `vectors`, `seconds`, `per_minute` ….
    Raises ``httpx.HTTPError`` when the API stays away.
    """
    started = time.monotonic()
    with client_of(url) as api:
        for progress in _snapshots(api, session_id):
            show(progress)
            if until(progress):
                break
        return _summary(api, session_id, time.monotonic() - started)


def client_of(url: str) -> httpx.Client:
    """Return a client of an API; without the certificates that only https needs, which take a while to read."""
    return httpx.Client(base_url=url, timeout=30, verify=url.startswith("https:"))


def _snapshots(api: httpx.Client, session_id: int) -> Iterator[Snapshot]:
    """Yield the progress of a session as it changes; reconnects, with what was missed, when the stream breaks."""
    last_id: str | None = None
    heard = time.monotonic()
    yield _state(api, session_id)
    while True:
        try:
            for event_id, data in _events(api, last_id):
                last_id, heard = event_id or last_id, time.monotonic()
                # Silence, or another session's news: ours may have moved without an event of its own.
                yield data if data and data["session_id"] == session_id else _state(api, session_id)
        except httpx.HTTPError:
            if time.monotonic() - heard > GIVE_UP:
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
    """Yield ids and data of events, and nothing twice for each sign of life; the first of them at once."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    timeout = httpx.Timeout(30, read=SILENCE)
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
    """Return what a scan came to; `seconds` is the scan's own time, `waited` that of the one who waited (s)."""
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
        "missing": session["missing"],
        "moved": session["moved"],
        "protected": session["protected"],
        "vectors": library["vectors"],
        "vector_failures": library["vector_failures"],
        "seconds": session["progress"]["seconds"],
        "waited": round(waited, 3),
        "per_minute": round(60 * session["files"] / max(waited, session["progress"]["seconds"], 1e-3), 1),
    }
