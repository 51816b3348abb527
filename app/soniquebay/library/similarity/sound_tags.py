"""The sound tags of tracks in the database, one row a track."""

import sqlite3
import struct

from soniquebay.audio.sound_tags import SOUND_TAGS, SOUND_TAGS_VERSION

_FORMAT = struct.Struct(f"<{len(SOUND_TAGS)}e")

Stored = tuple[int, bytes]  # version, and the probabilities of `SOUND_TAGS` as little-endian float16


def store(db: sqlite3.Connection, track_id: int, tags: Stored | None) -> None:
    """Replace the sound tags of a track; None removes them.

    Raises ``ValueError`` for tags of another version or size, and for values that are no probabilities.
    """
    if tags is None:
        db.execute("DELETE FROM sound_tags WHERE track_id = ?", (track_id,))
        return
    version, data = tags
    if version != SOUND_TAGS_VERSION:
        raise ValueError(f"the version of its sound tags is {version}, this release uses version {SOUND_TAGS_VERSION}")
    if len(data) != _FORMAT.size:
        raise ValueError(f"sound tags are {len(SOUND_TAGS)} float16 values, these have {len(data)} bytes")
    if not all(0 <= value <= 1 for value in _FORMAT.unpack(data)):  # not a number is no probability either
        raise ValueError("a sound tag is not a probability")
    db.execute(
        "INSERT OR REPLACE INTO sound_tags (track_id, version, probabilities) VALUES (?, ?, ?)",
        (track_id, version, data),
    )


def probabilities(db: sqlite3.Connection, track_id: int) -> dict[str, float] | None:
    """Return the probability of each of `SOUND_TAGS` for a track; None if it has none of the present version."""
    row = db.execute(
        "SELECT probabilities FROM sound_tags WHERE track_id = ? AND version = ?", (track_id, SOUND_TAGS_VERSION)
    ).fetchone()
    return dict(zip(SOUND_TAGS, _FORMAT.unpack(row["probabilities"]), strict=True)) if row else None
