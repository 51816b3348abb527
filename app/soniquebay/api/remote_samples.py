"""Compare samples of what workers on other machines have brought with what this machine computes.

A worker whose sample differs is suspended, and what it has brought since the last right sample is analysed here. Where
rounding may decide, it takes two samples in a row.
"""

import logging
import os
import sqlite3
import struct
import time
from pathlib import Path

import redis

from soniquebay.allowed_workers import queue_of
from soniquebay.api.analysis_result import AnalysisResult
from soniquebay.api.services import Services
from soniquebay.library import leases, paths, remote_vectors
from soniquebay.library.remote_vectors import Sample
from soniquebay.library.similarity.agreement import Differences, differences
from soniquebay.library.similarity.vectors import MIN_CORRECTION_SECONDS

log = logging.getLogger(__name__)
MAX_LENGTH_DIFFERENCE_SECONDS = 2 * MIN_CORRECTION_SECONDS  # what one machine corrects, another one may just not


def compare(services: Services, track_id: int, result: AnalysisResult) -> None:
    """Compare a result of this machine, which is not stored yet, with that of another machine if that is a sample."""
    db = services.database.reader()
    sample = remote_vectors.sample_of(db, track_id)
    if sample is None:
        return
    found = _differences(sample, result)
    differ = found is not None and any(found)
    if found is None or (differ and not _has_known_file(db, track_id)):
        with services.database.transaction() as writer:
            remote_vectors.drop(writer, sample)
    elif found.wrong or (differ and services.remote_workers.is_doubted_again(sample.worker)):
        _suspend(services, sample, track_id, found.wrong + found.doubtful)
    elif differ:
        log.warning("remote worker %s is in doubt: %s", sample.worker, _reason(track_id, found.doubtful))
        with services.database.transaction() as writer:
            remote_vectors.drop(writer, sample)
    else:
        services.remote_workers.trust(sample.worker)
        with services.database.transaction() as writer:
            remote_vectors.confirm(writer, sample)


def _differences(sample: Sample, result: AnalysisResult) -> Differences | None:
    """Return in what a sample differs from a result of this machine, None if that has nothing that can be compared."""
    try:
        heard = result.heard
        if heard is None:
            return None
        found = differences(sample.heard, heard)
    except (ValueError, struct.error):
        return None
    # A worker that finds another length is refused. It may say nothing.
    if result.length is not None and abs(sample.duration - result.length) > MAX_LENGTH_DIFFERENCE_SECONDS:
        found.doubtful.append("length")
    return found


def _has_known_file(db: sqlite3.Connection, track_id: int) -> bool:
    """Tell whether the file of a track is as the last scan has found it."""
    row = db.execute("SELECT path, size, mtime_ns FROM tracks WHERE id = ?", (track_id,)).fetchone()
    try:
        found = Path(os.fsdecode(paths.decode(row["path"]))).stat()
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (row["size"], row["mtime_ns"])


def _reason(track_id: int, fields: list[str]) -> str:
    return f"its analysis of track {track_id} differs from that of this machine in {', '.join(fields)}"


def _suspend(services: Services, sample: Sample, track_id: int, fields: list[str]) -> None:
    worker, reason = sample.worker, _reason(track_id, fields)
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
