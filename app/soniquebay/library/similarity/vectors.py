"""Vectors in the database, one row a track: little-endian float32 values, or the reason why there are none."""

import math
import sqlite3
import struct
from collections.abc import Sequence

from soniquebay.audio.feature_schema import (
    FEATURE_VERSION,
    MUSICAL_KEYS,
    OLDEST_VERSION,
    VECTOR_SIZE,
    VECTOR_SIZES,
    is_acoustic_fingerprint,
)
from soniquebay.audio.sound_tags import SOUND_TAGS_VERSION
from soniquebay.library.similarity import sound_tags

# SQL, of a row of vectors.
COMPARABLE_VERSIONS = f"version BETWEEN {OLDEST_VERSION} AND {FEATURE_VERSION}"
COMPARABLE = f"{COMPARABLE_VERSIONS} AND data IS NOT NULL"
MIN_CORRECTION_SECONDS = 0.5  # encoders add less at the beginning and the end, which players may leave out


def store(
    db: sqlite3.Connection,
    track_id: int,
    version: int,
    data: bytes | None,
    failure: str | None,
    *,
    bpm: float | None = None,
    bpm_confidence: float | None = None,
    musical_key: str | None = None,
    acoustic_fingerprint: bytes | None = None,
    length: float | None = None,
    tags: sound_tags.Stored | None = None,
    retry_later: bool = False,
) -> bool:
    """Store the result of a track's analysis; False if the track no longer exists.

    `data` is a vector of `VECTOR_SIZE` little-endian float32 values, or None with the reason in `failure`. With
    `retry_later` the file was unavailable: the track is analysed again once a scan sees it
    (`missing_tracks.mark_returned`). `acoustic_fingerprint` is that of `audio/acoustic_fingerprint.py`. `length` in
    seconds is what the analysis has measured. It replaces a length that differs by more than
    `MIN_CORRECTION_SECONDS`. `tags` are the sound tags, as `sound_tags.store` takes them.

    The place on the map stays if the vector takes that of an older one: the file is the same, and the map is made anew
    once all tracks have a vector of the present version.

    Raises ``ValueError`` for a vector of the wrong size or version or with values that are not finite, for a tempo
    outside of 0 to 1000 BPM, for a confidence outside of 0 to 1, for an unknown key, for what is no acoustic
    fingerprint, and for invalid sound tags.
    """
    if data is not None:
        if version != FEATURE_VERSION:
            raise ValueError(f"its feature version is {version}, this release uses version {FEATURE_VERSION}")
        if len(data) != 4 * VECTOR_SIZE:
            raise ValueError(f"a vector has {VECTOR_SIZE} float32 values, this one has {len(data)} bytes")
        if not all(map(math.isfinite, struct.unpack(f"<{VECTOR_SIZE}f", data))):
            raise ValueError("the values of a vector must be finite")
    if bpm is not None and not 0 < bpm < 1000:
        raise ValueError(f"{bpm} BPM is not a tempo")
    if bpm_confidence is not None and not 0 <= bpm_confidence <= 1:
        raise ValueError(f"{bpm_confidence} is no confidence from 0 to 1")
    if musical_key is not None and musical_key not in MUSICAL_KEYS:
        raise ValueError(f"{musical_key!r} is not one of the {len(MUSICAL_KEYS)} keys, as 'A minor'")
    if not is_acoustic_fingerprint(acoustic_fingerprint or b""):
        raise ValueError("this is no acoustic fingerprint")
    if db.execute("SELECT 1 FROM tracks WHERE id = ?", (track_id,)).fetchone() is None:
        return False
    is_upgraded = db.execute(
        f"SELECT 1 FROM vectors WHERE track_id = ? AND {COMPARABLE} AND version < ?", (track_id, version)
    ).fetchone()
    db.execute(
        "INSERT OR REPLACE INTO vectors (track_id, version, data, failure, bpm, bpm_confidence, musical_key) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (track_id, version, data, failure, bpm, bpm_confidence, musical_key),
    )
    sound_tags.store(db, track_id, tags)
    if data is None or not is_upgraded:
        db.execute("DELETE FROM map_places WHERE track_id = ?", (track_id,))  # a new vector has another place
    db.execute("DELETE FROM acoustic_fingerprints WHERE track_id = ?", (track_id,))
    if acoustic_fingerprint:
        values = (track_id, acoustic_fingerprint)
        db.execute("INSERT INTO acoustic_fingerprints (track_id, data) VALUES (?, ?)", values)
    db.execute("DELETE FROM duplicates WHERE track_id = ?", (track_id,))
    db.execute("UPDATE duplicate_state SET stored = stored + 1")  # the library is to be compared again
    if length is not None:
        db.execute(
            "UPDATE tracks SET duration = round(?1, 3) WHERE id = ?2 AND abs(duration - ?1) > ?3",
            (length, track_id, MIN_CORRECTION_SECONDS),
        )
    db.execute("UPDATE tracks SET retry_later = ?1 WHERE id = ?2 AND retry_later <> ?1", (retry_later, track_id))
    return True


def forget(db: sqlite3.Connection, track_ids: Sequence[int]) -> None:
    """Forget what the analysis of tracks has found, and have them analysed again."""
    ids = [(track_id,) for track_id in track_ids]
    for table in ("vectors", "sound_tags", "acoustic_fingerprints", "map_places", "duplicates"):
        db.executemany(f"DELETE FROM {table} WHERE track_id = ?", ids)
    db.execute("UPDATE duplicate_state SET stored = stored + 1")  # the library is to be compared again


def mark_outdated_for_analysis(db: sqlite3.Connection) -> int:
    """Have every track with a vector or sound tags of another version analysed again; return how many there are."""
    return db.execute(
        "UPDATE tracks SET analysed = 0 WHERE analysed = 1 AND id IN "
        "(SELECT track_id FROM vectors WHERE version < ?1 OR version > ?1 "
        "UNION SELECT track_id FROM sound_tags WHERE version < ?2 OR version > ?2)",
        (FEATURE_VERSION, SOUND_TAGS_VERSION),
    ).rowcount


def compared_version(db: sqlite3.Connection) -> int | None:
    """Return the feature version up to which all vectors of present tracks go; None if there are no vectors.

    It is that of the oldest vector that can be compared: of newer ones the first values count alone.
    """
    query = (
        "SELECT 1 FROM vectors JOIN tracks ON id = track_id AND missing_since IS NULL "
        "WHERE version = ? AND data IS NOT NULL"
    )
    return next((version for version in sorted(VECTOR_SIZES) if db.execute(query, (version,)).fetchone()), None)


def has_vectors(db: sqlite3.Connection) -> bool:
    """Return whether any track has a vector that can be compared."""
    return db.execute(f"SELECT 1 FROM vectors WHERE {COMPARABLE}").fetchone() is not None
