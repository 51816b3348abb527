"""The metrics of the library and of its last scan, as the rows of the database say."""

import sqlite3
from collections.abc import Iterator
from typing import Any, Literal, get_args

from prometheus_client import Metric

from soniquebay.api.metrics.families import gauge, gauges
from soniquebay.library import loudness, progress, queries
from soniquebay.library.database import Database, open_read_only
from soniquebay.library.loudness import MeasuredTracks

ScanStatus = Literal["running", "paused", "completed", "cancelled"]
Figures = dict[str, Any]


class LibraryFigures:
    """What the library holds, counted again only after a write: to count 100,000 tracks takes a while."""

    def __init__(self, database: Database, measured_tracks: MeasuredTracks) -> None:
        """`database`: the one whose only writer is this process. `measured_tracks`: whose loudness is measured."""
        self._database = database
        self._measured_tracks = measured_tracks
        self._counted: Figures | None = None
        self._commits = 0

    def now(self) -> Figures | None:
        """Return the figures; None when the database does not answer. Not safe from several threads."""
        commits = self._database.commits  # before the count: what is written meanwhile counts the next time
        try:
            # As for the health: a reader that is open already would not notice that the file is gone.
            with open_read_only(self._database.path) as db:
                if self._counted is None or commits != self._commits:
                    self._counted, self._commits = _count(db, self._measured_tracks), commits
                else:
                    db.execute("SELECT count(*) FROM scan_sessions").fetchone()
        except sqlite3.Error:
            self._counted = None
        return self._counted


def _count(db: sqlite3.Connection, measured_tracks: MeasuredTracks) -> Figures:
    measured, unmeasurable = loudness.count_measured(db)
    return {
        **queries.totals(db),
        "loudness_measured": measured,
        "loudness_waiting": loudness.count_waiting(db, measured_tracks),
        "loudness_failures": unmeasurable,
        "vectors_waiting": progress.count_all_tracks_to_analyse(db),
        "scan": next(iter(queries.sessions(db, 1, 0).items), {}),
    }


def collect(found: Figures | None) -> Iterator[Metric]:
    """Yield the metrics of these figures."""
    known = found or {}
    for name, meaning in (
        ("tracks", "Tracks that are not missing"),
        ("albums", "Albums with a track that is not missing"),
        ("artists", "Artists with a track or album that is not missing"),
    ):
        yield gauge(f"soniquebay_library_{name}", meaning, known.get(name))
    yield gauge("soniquebay_library_tracks_missing", "Tracks whose file is gone", known.get("missing"))
    yield gauges(
        "soniquebay_library_vectors",
        "Tracks that are not missing, by the state of their vector",
        "state",
        {state: known.get(name) for state, name in _VECTORS.items()},
    )
    yield gauges(
        "soniquebay_library_loudness",
        "Tracks that are not missing, by the state of their loudness; those that need not be measured have none",
        "state",
        {state: known.get(name) for state, name in _LOUDNESS.items()},
    )
    yield from _collect_scan(known.get("scan") or {})


_VECTORS = {"calculated": "vectors", "waiting": "vectors_waiting", "failed": "vector_failures"}
_LOUDNESS = {"measured": "loudness_measured", "waiting": "loudness_waiting", "failed": "loudness_failures"}


def _collect_scan(scan: dict[str, Any]) -> Iterator[Metric]:
    yield gauges(
        "soniquebay_scan_state",
        "1 for the state of the last scan; 0 for the others, and for all before the first scan",
        "state",
        {status: float(scan.get("status") == status) for status in get_args(ScanStatus)},
    )
    for name, meaning, value in (
        ("found", "Files that the last scan has found so far", scan.get("files", 0)),
        ("unchanged", "Files of the last scan that it need not read", scan.get("unchanged", 0)),
        ("read", "Files that the last scan has read, with or without success", scan.get("files_done", 0)),
        ("failed", "Files and folders that the last scan could not read", scan.get("failures", 0)),
    ):
        yield gauge(f"soniquebay_scan_files_{name}", meaning, value)
    yield gauge(
        "soniquebay_scan_start_timestamp_seconds", "When the last scan began (Unix time)", scan.get("started_at")
    )
