"""Compare samples of what workers on other machines have brought with what this machine computes.

A worker whose sample differs is suspended, and what it has brought since the last right sample is analysed here.
"""

import logging
import os
import sqlite3
import time
from pathlib import Path

import redis

from soniquebay.allowed_workers import queue_of
from soniquebay.api.analysis_result import AnalysisResult
from soniquebay.api.services import Services
from soniquebay.audio.feature_schema import VECTOR_SIZE
from soniquebay.library import leases, paths, remote_vectors
from soniquebay.library.remote_vectors import Sample
from soniquebay.library.similarity.agreement import differing_groups

log = logging.getLogger(__name__)


def compare(services: Services, track_id: int, result: AnalysisResult) -> None:
    """Compare a result of this machine, which is not stored yet, with that of another machine if that is a sample."""
    db = services.database.reader()
    sample = remote_vectors.sample_of(db, track_id)
    if sample is None:
        return
    ours = _vector(result)
    groups = differing_groups(sample.data, ours) if ours is not None else []
    if ours is None or (groups and not _has_known_file(db, track_id)):
        with services.database.transaction() as writer:
            remote_vectors.drop(writer, sample)
    elif groups:
        _suspend(services, sample, track_id, groups)
    else:
        with services.database.transaction() as writer:
            remote_vectors.confirm(writer, sample)


def _vector(result: AnalysisResult) -> bytes | None:
    """Return the vector of a result, None if it has none that can be compared."""
    try:
        vector = result.vector
    except ValueError:
        return None
    return vector if vector is not None and len(vector) == 4 * VECTOR_SIZE else None


def _has_known_file(db: sqlite3.Connection, track_id: int) -> bool:
    """Tell whether the file of a track is as the last scan has found it."""
    row = db.execute("SELECT path, size, mtime_ns FROM tracks WHERE id = ?", (track_id,)).fetchone()
    try:
        found = Path(os.fsdecode(paths.decode(row["path"]))).stat()
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (row["size"], row["mtime_ns"])


def _suspend(services: Services, sample: Sample, track_id: int, groups: list[str]) -> None:
    worker = sample.worker
    reason = f"its vector of track {track_id} differs from that of this machine in {', '.join(groups)}"
    try:
        services.remote_workers.suspend(worker, reason)
    except OSError as error:
        log.warning("the list of workers cannot be written, so %s keeps its connections: %s", worker, error)
    with services.database.transaction() as db:
        forgotten = remote_vectors.forget(db, worker, time.time())
        leases.end_all(db, worker)
    log.warning("remote worker %s is suspended: %s. %d tracks are analysed here again", worker, reason, len(forgotten))
    for forgotten_id in forgotten:
        services.vectors.remove(forgotten_id)
    services.map_upkeep.mark_outdated()
    services.duplicate_upkeep.mark_outdated()
    try:
        services.dispatcher.empty_queue(queue_of(worker))
    except redis.RedisError as error:
        log.warning("the queue of remote worker %s keeps its messages, which nobody reads: %s", worker, error)
    services.request_refill()
