"""Leases: which worker on another machine analyses which track, and until when.

Only the clock of this machine counts. A time in the future is one of a clock that was set back: the lease has ended.
"""

import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from soniquebay.library import queries
from soniquebay.library.queries import Row

LEASE_SECONDS = 900.0  # a task may take 330 s, and waits behind another one
MAX_TRACKS_OF_WORKER = 128


def take(db: sqlite3.Connection, worker: str, count: int, others: Collection[int], now: float) -> list[Row]:
    """Lease up to `count` waiting tracks to a worker; return them as ``queries.to_analyse`` does.

    `others`: tracks that are sent to the workers of this machine already. `now`: Unix time.
    """
    waiting = queries.unanalysed_tracks(db, count + len(others), given_back=False)
    rows = [row for row in waiting if row["id"] not in others][:count]
    db.executemany(
        "INSERT INTO analysis_leases (track_id, worker, leased_at) VALUES (?, ?, ?)",
        [(row["id"], worker, now) for row in rows],
    )
    return rows


def holds(db: sqlite3.Connection, worker: str, track_id: int, now: float) -> bool:
    """Tell whether a worker has the lease of a track."""
    row = db.execute(
        "SELECT 1 FROM analysis_leases WHERE track_id = ? AND worker = ? AND leased_at BETWEEN ? AND ?",
        (track_id, worker, now - LEASE_SECONDS, now),
    ).fetchone()
    return row is not None


def count_of(db: sqlite3.Connection, worker: str) -> int:
    """Return how many tracks a worker has."""
    (count,) = db.execute("SELECT count(*) FROM analysis_leases WHERE worker = ?", (worker,)).fetchone()
    return int(count)


def count_all(db: sqlite3.Connection) -> int:
    """Return how many tracks all workers on other machines have."""
    (count,) = db.execute("SELECT count(*) FROM analysis_leases WHERE worker IS NOT NULL").fetchone()
    return int(count)


class Ended(NamedTuple):
    """Tracks whose lease has ended, by the reason."""

    deserted: list[int]
    """Their worker is not there any more."""
    late: list[int]
    """Their worker is there, and has not brought them in time."""


def ended(db: sqlite3.Connection, present: Collection[str], now: float) -> Ended:
    """Return the tracks whose lease has ended. `present`: the workers that are there."""
    rows = db.execute("SELECT track_id, worker, leased_at FROM analysis_leases WHERE worker IS NOT NULL").fetchall()
    deserted = [track_id for track_id, worker, _ in rows if worker not in present]
    late = [track_id for track_id, worker, at in rows if worker in present and not now - LEASE_SECONDS <= at <= now]
    return Ended(deserted, late)


def lost(db: sqlite3.Connection, worker: str, busy: Collection[int], before: float) -> list[int]:
    """Return the tracks that were leased to a worker before a Unix time, and that it does not have."""
    rows = db.execute("SELECT track_id FROM analysis_leases WHERE worker = ? AND leased_at < ?", (worker, before))
    return [track_id for (track_id,) in rows if track_id not in busy]


def end(db: sqlite3.Connection, track_ids: Collection[int]) -> None:
    """End leases: the tracks are for whoever comes first."""
    db.executemany("DELETE FROM analysis_leases WHERE track_id = ?", [(track_id,) for track_id in track_ids])


def end_all(db: sqlite3.Connection, worker: str) -> int:
    """End the leases of a worker; return how many it had."""
    return db.execute("DELETE FROM analysis_leases WHERE worker = ?", (worker,)).rowcount


def leave_here(db: sqlite3.Connection, track_ids: Collection[int]) -> None:
    """Leave tracks to this machine: a worker that never brings them would else get them again and again."""
    db.executemany("UPDATE analysis_leases SET worker = NULL WHERE track_id = ?", [(id_,) for id_ in track_ids])


def give_back(db: sqlite3.Connection, worker: str, track_id: int) -> bool:
    """Leave a track to this machine, because its worker cannot analyse it. Tell whether the worker had it."""
    done = db.execute("UPDATE analysis_leases SET worker = NULL WHERE track_id = ? AND worker = ?", (track_id, worker))
    return done.rowcount > 0
