"""The measured loudness of tracks, one row a track, or the reason why there is none; and which tracks wait for it."""

import json
import math
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any, Literal

from soniquebay.library.queries import RANGE_OF_FILE, WITH_GONE, Row
from soniquebay.library.typed_tags import typed_tags

MeasuredTracks = Literal["untagged", "all", "off"]
"""Which tracks are measured: those whose tags state no ReplayGain of the track, all, or none."""

_GAINS = ("replaygain_track_gain", "r128_track_gain")
_MAX_SECONDS = 1e7


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured of a track, see `audio.loudness.Loudness`."""

    integrated_lufs: float | None
    sample_peak: float
    silence_start_seconds: float
    silence_end_seconds: float

    def check(self) -> None:
        """Raise ``ValueError`` for what cannot be measured."""
        if self.integrated_lufs is not None and not -70 <= self.integrated_lufs <= 100:
            raise ValueError(f"{self.integrated_lufs} LUFS is no loudness")
        if not (math.isfinite(self.sample_peak) and self.sample_peak >= 0):
            raise ValueError(f"{self.sample_peak} is no peak")
        for seconds in (self.silence_start_seconds, self.silence_end_seconds):
            if not 0 <= seconds <= _MAX_SECONDS:
                raise ValueError(f"a silence does not last {seconds} seconds")


def states_gain(tags: str) -> bool:
    """Return whether the tags of a file, in JSON as they are stored, state the ReplayGain of the track."""
    if not any(f'"{name}"' in tags for name in _GAINS):  # most often: reading JSON costs more
        return False
    typed = typed_tags(json.loads(tags))
    return any(name in typed for name in _GAINS)


def store(
    db: sqlite3.Connection,
    track_id: int,
    measurement: Measurement | None,
    failure: str | None = None,
    *,
    retry_later: bool = False,
) -> bool:
    """Store what was measured of a track, or the reason why nothing was; False if the track no longer exists.

    With `retry_later` the file was unavailable: it is measured again once a scan sees it
    (`missing_tracks.mark_returned`). Raises as `Measurement.check` does, and ``sqlite3.IntegrityError`` without
    either of the two.
    """
    if measurement is not None:
        measurement.check()
    if db.execute("SELECT 1 FROM tracks WHERE id = ?", (track_id,)).fetchone() is None:
        return False
    values: dict[str, Any] = asdict(measurement) if measurement else {}
    if measurement is not None and measurement.integrated_lufs is not None:
        values["power"] = 10 ** (measurement.integrated_lufs / 10)
    columns = ["track_id", "failure", *values]
    db.execute(
        f"INSERT OR REPLACE INTO loudness ({', '.join(columns)}) VALUES (?{', ?' * (len(columns) - 1)})",
        (track_id, failure, *values.values()),
    )
    if retry_later:
        db.execute("UPDATE tracks SET retry_later = 1 WHERE id = ? AND NOT retry_later", (track_id,))
    return True


def forget_failures(db: sqlite3.Connection, track_ids: list[int]) -> None:
    """Have tracks that could not be measured measured again."""
    db.executemany("DELETE FROM loudness WHERE track_id = ? AND failure IS NOT NULL", [(i,) for i in track_ids])


def unmeasured_tracks(db: sqlite3.Connection, limit: int, tracks: MeasuredTracks) -> list[Row]:
    """Return some of the tracks that wait to be measured, as `queries.to_analyse` does."""
    if tracks == "off":
        return []
    rows = db.execute(
        f"{RANGE_OF_FILE} FROM tracks t INDEXED BY tracks_to_measure "
        "WHERE measured = 0 AND missing_since IS NULL AND states_gain <= ? LIMIT ?",
        (int(tracks == "all"), limit),
    )
    return [dict(row) for row in rows]


def count_waiting(db: sqlite3.Connection, tracks: MeasuredTracks) -> int:
    """Return how many tracks wait to be measured."""
    if tracks == "off":
        return 0
    row = db.execute(
        "SELECT count(*) FROM tracks INDEXED BY tracks_to_measure "
        "WHERE measured = 0 AND missing_since IS NULL AND states_gain <= ?",
        (int(tracks == "all"),),
    ).fetchone()
    return int(row[0])


def count_measured(db: sqlite3.Connection) -> tuple[int, int]:
    """Return how many present tracks are measured, and how many of them could not be."""
    row = db.execute(
        f"{WITH_GONE} SELECT "
        "(SELECT count(*) FROM loudness) - (SELECT count(*) FROM gone JOIN loudness ON track_id = id) AS stored, "
        "(SELECT count(failure) FROM loudness) - (SELECT count(failure) FROM gone JOIN loudness ON track_id = id) "
        "AS failed"
    ).fetchone()
    return row["stored"] - row["failed"], row["failed"]


def of_track(db: sqlite3.Connection, track_id: int) -> Row | None:
    """Return what was measured of a track; None if nothing was."""
    row = db.execute(
        "SELECT integrated_lufs, sample_peak, silence_start_seconds, silence_end_seconds FROM loudness "
        "WHERE track_id = ? AND failure IS NULL",
        (track_id,),
    ).fetchone()
    return dict(row) if row else None
