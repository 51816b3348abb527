"""One progress bar for a scan, fed by the appliance's event stream."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

SILENCE = 45.0  # seconds; the API sends a sign of life every 15
GIVE_UP = 300.0  # seconds without any answer
Snapshot = dict[str, Any]


def searchable(progress: Snapshot) -> bool:
    """Tell whether every track of the scan can be found, or the scan was cancelled."""
    return progress["status"] in {"completed", "cancelled"}


def analysed(progress: Snapshot) -> bool:
    """Tell whether every track of the scan also has its vector, or a reason for none."""
    return progress["phase"] in {"done", "cancelled"}


def follow_scan(
    url: str, session_id: int, console: Console, *, until: Callable[[Snapshot], bool] = analysed
) -> dict[str, Any]:
    """Show the scan until `until`, and return its summary.

    The summary has `status`, `files`, `tracks`, `albums`, `artists`, `failures`, `vectors`, `seconds`, `per_minute` ….
    Raises ``httpx.HTTPError`` when the API stays away.
    """
    bar = Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}"),
        console=console,
        expand=True,
    )
    started = time.monotonic()
    with bar:
        task = bar.add_task("connecting", total=None, counts="")
        for progress in snapshots(url, session_id):
            known = progress["phase"] != "discovering"
            bar.update(
                task,
                description=progress["phase"],
                completed=progress["percent"],
                total=100 if known else None,
                counts=_counts(progress, known=known),
            )
            if until(progress):
                break
    return summary(url, session_id, time.monotonic() - started)


def _counts(progress: Snapshot, *, known: bool) -> str:
    found = f"{progress['finished']}/{progress['files']}" if known else f"{progress['files']} found"
    left = progress["seconds_left"]
    parts = [found, f"{progress['rate']:.0f} files/min", f"{progress['failures']} failures"]
    if left:
        parts.append(f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left")
    return "  ".join(parts)


def snapshots(url: str, session_id: int) -> Iterator[Snapshot]:
    """Yield the progress of a session as it changes; reconnects, with what was missed, when the stream breaks."""
    last_id: str | None = None
    heard = time.monotonic()
    yield _state(url, session_id)
    while True:
        try:
            for event_id, data in _events(url, last_id):
                last_id, heard = event_id or last_id, time.monotonic()
                # Silence, or another session's news: ours may have moved without an event of its own.
                yield data if data and data["session_id"] == session_id else _state(url, session_id)
        except httpx.HTTPError:
            if time.monotonic() - heard > GIVE_UP:
                raise
        time.sleep(1)


def _state(url: str, session_id: int) -> Snapshot:
    progress: Snapshot = _session(url, session_id)["progress"]
    return progress


def _session(url: str, session_id: int) -> dict[str, Any]:
    response = httpx.get(f"{url}/api/scan-sessions/{session_id}", timeout=30)
    response.raise_for_status()
    session: dict[str, Any] = response.json()
    return session


def _events(url: str, last_id: str | None) -> Iterator[tuple[str | None, Snapshot | None]]:
    """Yield ids and data of events, and nothing twice for each sign of life; the first of them at once."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    timeout = httpx.Timeout(30, read=SILENCE)
    with httpx.stream("GET", f"{url}/api/events", headers=headers, timeout=timeout) as response:
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


def summary(url: str, session_id: int, waited: float) -> dict[str, Any]:
    """Return what a scan came to; `seconds` is the scan's own time, `waited` that of the one who waited (s)."""
    session = _session(url, session_id)
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
        "withheld": session["withheld"],
        "vectors": library["vectors"],
        "vector_failures": library["vector_failures"],
        "seconds": session["progress"]["seconds"],
        "waited": round(waited, 3),
        "per_minute": round(60 * session["files"] / max(waited, session["progress"]["seconds"], 1e-3), 1),
    }
