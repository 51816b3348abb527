"""By how much a track or an album is to be louder or quieter: ReplayGain of the tags, else of the measured loudness."""

import json
import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from soniquebay.sqlite import plain_cursor

Kind = Literal["track", "album"]
REFERENCE_LUFS = -18.0  # of ReplayGain 2.0
R128_TO_REPLAYGAIN_DB = 5.0  # EBU R 128 aims at -23 LUFS
_MAX_GAIN_DB = 30.0  # tags may state anything
_MAX_PEAK = 4.0  # a larger one is on another scale, for example that of 16 bits

_TRACKS = """
SELECT l.track_id, l.integrated_lufs, l.sample_peak FROM json_each(?) j
CROSS JOIN loudness l ON l.track_id = j.value
"""
_ALBUMS = """
SELECT album_id, sum(power * seconds) / sum(iif(power IS NULL, 0, seconds)), max(sample_peak)
FROM (SELECT t.album_id, l.track_id, l.power, l.sample_peak,
        max(t.duration - coalesce(l.silence_start_seconds + l.silence_end_seconds, 0), 0.1) AS seconds
      FROM json_each(?) j CROSS JOIN tracks t ON t.album_id = j.value AND t.missing_since IS NULL
      LEFT JOIN loudness l ON l.track_id = t.id)
GROUP BY album_id HAVING count(*) = count(track_id) AND count(power) > 0
"""


@dataclass(frozen=True, slots=True)
class Gain:
    """By how many decibels to change the level, and the peak before that: 1 is full scale, None if nobody knows."""

    gain_db: float
    peak: float | None
    is_measured: bool
    """False: the tags state it."""


Gains = dict[Kind, Gain]
"""Those that are known."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """What is known of a track from its file: its tags, with numbers as `typed_tags` makes them."""

    tags: Mapping[str, Any]
    album_id: int | None


def stated(tags: Mapping[str, Any]) -> Gains:
    """Return the gains that tags state. They have numbers as `typed_tags` makes them."""
    found: Gains = {}
    kinds: tuple[Kind, Kind] = ("track", "album")
    for kind in kinds:
        gain_db: float | None = tags.get(f"replaygain_{kind}_gain")
        r128_db: float | None = tags.get(f"r128_{kind}_gain")
        if gain_db is None and r128_db is not None:
            gain_db = r128_db + R128_TO_REPLAYGAIN_DB
        if gain_db is not None:
            found[kind] = Gain(gain_db, tags.get(f"replaygain_{kind}_peak"), is_measured=False)
    return found


def of_tracks(db: sqlite3.Connection, tracks: Mapping[int, Tagged]) -> dict[int, Gains]:
    """Return the gains of tracks by their ids: those that the tags state, and the measured ones in place of the others.

    The gain of an album is that of its tracks together, see `of_albums`.
    """
    found = {track_id: stated(track.tags) for track_id, track in tracks.items()}
    without = json.dumps([track_id for track_id, gains in found.items() if "track" not in gains])
    cursor = plain_cursor(db)
    for track_id, lufs, peak in cursor.execute(_TRACKS, (without,)):
        if lufs is not None:
            found[track_id]["track"] = _measured(lufs, peak)
    albums = {track_id: tracks[track_id].album_id for track_id, gains in found.items() if "album" not in gains}
    of_album = of_albums(db, {album_id for album_id in albums.values() if album_id is not None})
    for track_id, album_id in albums.items():
        if album_id in of_album:
            found[track_id]["album"] = of_album[album_id]
    return found


def of_albums(db: sqlite3.Connection, album_ids: set[int]) -> dict[int, Gain]:
    """Return the measured gains of albums by their ids. An album with a track that is not measured has none.

    Its loudness is the mean energy of its tracks, each weighted by its duration without the silence at its ends.
    """
    cursor = plain_cursor(db)
    return {
        album_id: _measured(10 * math.log10(power), peak)
        for album_id, power, peak in cursor.execute(_ALBUMS, (json.dumps(list(album_ids)),))
    }


def _measured(lufs: float, peak: float) -> Gain:
    return Gain(round(REFERENCE_LUFS - lufs, 2), round(peak, 6), is_measured=True)


def applied_db(gains: Gains, kind: Kind) -> float:
    """Return the gain (dB) to apply to a track; 0 if none is known. A missing gain of one kind is that of the other.

    It never clips: it ends where the peak reaches full scale, and without a known peak it only lowers.
    """
    gain = gains.get(kind) or gains.get("album" if kind == "track" else "track")
    if gain is None:
        return 0.0
    if gain.peak is None or not 0 < gain.peak <= _MAX_PEAK:
        return min(max(gain.gain_db, -_MAX_GAIN_DB), 0.0)
    return min(max(gain.gain_db, -_MAX_GAIN_DB), _MAX_GAIN_DB, -20 * math.log10(gain.peak))
