"""The vectors in the database, one a track: little-endian float32 values, or why there are none."""

import math
import sqlite3
import struct

from soniquebay.audio.feature_schema import MUSICAL_KEYS, SIZE, VERSION


def store(
    db: sqlite3.Connection,
    track_id: int,
    version: int,
    data: bytes | None,
    failure: str | None,
    *,
    bpm: float | None = None,
    musical_key: str | None = None,
    retry_later: bool = False,
) -> bool:
    """Write a track's vector (little-endian float32), tempo and key, or why it has none; False when the track is gone.

    `retry_later`: its file was not to be had; it is analysed once a scan meets it (`ingest.mark_returned`).
    Raises ``ValueError`` for a vector of another size or version or with values that are no numbers, and for a tempo or
    key that is none.
    """
    if data is not None:
        if version != VERSION:
            raise ValueError(f"the features are of version {version}, this release compares version {VERSION}")
        if len(data) != 4 * SIZE:
            raise ValueError(f"a vector has {SIZE} float32 values, this one has {len(data)} bytes")
        if not all(map(math.isfinite, struct.unpack(f"<{SIZE}f", data))):
            raise ValueError("a vector holds finite numbers only")
    if bpm is not None and not 0 < bpm < 1000:
        raise ValueError(f"{bpm} beats a minute is no tempo")
    if musical_key is not None and musical_key not in MUSICAL_KEYS:
        raise ValueError(f"{musical_key!r} is not one of the {len(MUSICAL_KEYS)} keys, as 'A minor'")
    if db.execute("SELECT 1 FROM tracks WHERE id = ?", (track_id,)).fetchone() is None:
        return False
    db.execute(
        "INSERT OR REPLACE INTO vectors (track_id, version, data, failure, bpm, musical_key) VALUES (?, ?, ?, ?, ?, ?)",
        (track_id, version, data, failure, bpm, musical_key),
    )
    db.execute("UPDATE tracks SET retry_later = ?1 WHERE id = ?2 AND retry_later <> ?1", (retry_later, track_id))
    return True


def expire(db: sqlite3.Connection) -> int:
    """Have every track analysed anew whose vector is of another version of the features; returns how many."""
    return db.execute(
        "UPDATE tracks SET analysed = 0 WHERE analysed = 1 AND id IN "
        "(SELECT track_id FROM vectors WHERE version < ?1 OR version > ?1)",
        (VERSION,),
    ).rowcount


def any_usable(db: sqlite3.Connection) -> bool:
    """Tell whether there is a vector of the features' present version."""
    return db.execute("SELECT 1 FROM vectors WHERE version = ? AND data IS NOT NULL", (VERSION,)).fetchone() is not None
