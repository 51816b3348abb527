"""What workers on other machines have brought, as long as it is not confirmed, and which of it is a sample.

A sample is a vector whose track this machine analyses as well. Which ones are samples is drawn by lot, so a worker
cannot know. One that is found right confirms the vectors that the same worker has brought before it.
"""

import secrets
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library.similarity import vectors
from soniquebay.library.similarity.agreement import Heard

SAMPLE_INTERVAL = 50  # one in so many vectors is a sample, in the mean
FIRST_VECTORS = 10  # one of so many at the beginning is a sample


class Sample(NamedTuple):
    """What a worker has brought of a track, which is compared with what this machine finds."""

    number: int
    """In the order of all that was brought."""
    worker: str
    heard: Heard
    duration: float
    """Of the track in seconds, with which the worker did not disagree."""


def note(
    db: sqlite3.Connection, worker: str, track_id: int, now: float, draw: Callable[[int], int] = secrets.randbelow
) -> bool:
    """Note that a worker has brought the stored vector of a track; tell whether it is a sample.

    The track of a sample is left to this machine. `now`: Unix time. `draw` returns a number below the given one.
    """
    brought, next_sample = db.execute(
        "INSERT INTO remote_counts (worker, brought, next_sample) VALUES (?, 1, ?) "
        "ON CONFLICT DO UPDATE SET brought = brought + 1 RETURNING brought, next_sample",
        (worker, 1 + draw(FIRST_VECTORS)),
    ).fetchone()
    is_sample = bool(brought >= next_sample)
    db.execute(
        "INSERT INTO remote_vectors (track_id, worker, is_sample) VALUES (?, ?, ?)", (track_id, worker, is_sample)
    )
    if is_sample:
        _set_next_sample(db, worker, 1 + draw(2 * SAMPLE_INTERVAL - 1))
        db.execute("UPDATE tracks SET analysed = 0 WHERE id = ?", (track_id,))
        _leave_here(db, [track_id], now)
    return is_sample


def sample_of(db: sqlite3.Connection, track_id: int) -> Sample | None:
    """Return the sample that a track is, None if it is none."""
    row = db.execute(
        "SELECT number, worker, v.data, t.version, probabilities, f.data, bpm, bpm_confidence, musical_key, duration "
        "FROM remote_vectors JOIN vectors v USING (track_id) JOIN tracks ON id = track_id "
        "LEFT JOIN sound_tags t USING (track_id) LEFT JOIN acoustic_fingerprints f USING (track_id) "
        "WHERE track_id = ? AND is_sample AND v.data IS NOT NULL AND v.version = ?",
        (track_id, FEATURE_VERSION),
    ).fetchone()
    if row is None:
        return None
    number, worker, vector, tags_version, probabilities, fingerprint, bpm, confidence, key, duration = row
    tags = None if tags_version is None else (tags_version, probabilities)
    return Sample(number, worker, Heard(vector, tags, fingerprint, bpm, confidence, key), duration)


def confirm(db: sqlite3.Connection, sample: Sample) -> None:
    """Note that a sample is right. It confirms what its worker brought before, up to one that is still compared."""
    db.execute(
        "DELETE FROM remote_vectors WHERE worker = ?1 AND (number = ?2 OR number < coalesce("
        "(SELECT min(number) FROM remote_vectors WHERE worker = ?1 AND is_sample AND number < ?2), ?2))",
        (sample.worker, sample.number),
    )


def drop(db: sqlite3.Connection, sample: Sample, draw: Callable[[int], int] = secrets.randbelow) -> None:
    """Note that a sample cannot be compared: another one is taken soon."""
    db.execute("UPDATE remote_vectors SET is_sample = 0 WHERE number = ?", (sample.number,))
    _set_next_sample(db, sample.worker, 1 + draw(FIRST_VECTORS))


def forget(db: sqlite3.Connection, worker: str, now: float) -> list[int]:
    """Forget the vectors of a worker that are not confirmed, and leave their tracks to this machine; return these."""
    rows = db.execute("SELECT track_id FROM remote_vectors WHERE worker = ?", (worker,)).fetchall()
    track_ids = [track_id for (track_id,) in rows]
    vectors.forget(db, track_ids)
    _leave_here(db, track_ids, now)
    return track_ids


def begin(db: sqlite3.Connection, worker: str) -> None:
    """Begin anew with a worker that has joined: one of its first vectors is a sample."""
    db.execute("DELETE FROM remote_counts WHERE worker = ?", (worker,))
    db.execute("UPDATE remote_vectors SET is_sample = 0 WHERE worker = ?", (worker,))


def brought(db: sqlite3.Connection) -> dict[str, int]:
    """Return how many vectors each worker has brought since it joined, by its name."""
    return dict(db.execute("SELECT worker, brought FROM remote_counts").fetchall())


def _set_next_sample(db: sqlite3.Connection, worker: str, distance: int) -> None:
    db.execute("UPDATE remote_counts SET next_sample = brought + ? WHERE worker = ?", (distance, worker))


def _leave_here(db: sqlite3.Connection, track_ids: list[int], now: float) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO analysis_leases (track_id, worker, leased_at) VALUES (?, NULL, ?)",
        [(track_id, now) for track_id in track_ids],
    )
