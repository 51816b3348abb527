"""Which tracks are one recording: first their lengths and vectors are compared, then acoustic fingerprints.

Vectors find the candidates in a large library quickly, but they hardly tell another take of a song apart.
Acoustic fingerprints do that. What decides was measured on real music (docs/similarity.md).
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.feature_schema import FEATURE_GROUPS, FEATURE_VERSION
from soniquebay.library.similarity.acoustic_fingerprints import MAX_SHIFT_SECONDS, is_one_recording

Float32Array = NDArray[np.float32]

# Of a group of features: how many of its first values count, and how much one file differs from another of the same
# recording. The upper bands are left out, because lossy encoders remove them.
_COMPARED = {"mean_spectrum": (24, 0.02), "chroma_dft": (6, 0.004), "side_share": (12, 0.02)}
COMPARED_VALUES = sum(count for count, _ in _COMPARED.values())
MAX_DISTANCE = 9.0  # copies are within 2.3, sparse music at low bit rates within 8.5; other pieces begin at 7
MAX_LENGTH_DIFFERENCE_SECONDS = MAX_SHIFT_SECONDS  # silence before or after
_SILENCE_LOUDNESS = -6.5  # mean log10 of the power; -7 is digital silence, and all silence sounds alike
_MAX_TRIES = 50  # recordings with whose fingerprints a track is compared, the nearest first
_CHUNK_ROWS = 1000
_BLOCK_ROWS = 256
_TILE_ROWS = 8192  # a tile of distances has 8 MB
_KEPT_FINGERPRINTS = 20_000  # of some 300 bytes


@dataclass(slots=True)
class Sounds:
    """The tracks of a library that can be compared, in the order of their lengths: 180 bytes each."""

    ids: NDArray[np.int64]
    durations: NDArray[np.float64]
    """Seconds."""
    points: Float32Array
    """(tracks, COMPARED_VALUES). Their Euclidean distance is compared with `MAX_DISTANCE`."""
    fingerprint_of: Callable[[int], bytes]

    @property
    def count(self) -> int:
        """The number of tracks."""
        return self.ids.size

    def groups(self) -> list[list[int]]:
        """Return the ids of the tracks of each recording that has several.

        A track belongs to the nearest recording whose first track it resembles. So two tracks of a group may differ
        more than each differs from the first one, but no group grows from one neighbour to the next without an end.
        """
        firsts = np.empty(self.count, np.int64)  # rows, in the order of their lengths
        count = 0
        first_of = np.arange(self.count)
        fingerprint_of = lru_cache(_KEPT_FINGERPRINTS)(self.fingerprint_of)
        for start in range(0, self.count, _BLOCK_ROWS):
            block = np.arange(start, min(start + _BLOCK_ROWS, self.count))
            near = self._near(block, np.concatenate([firsts[:count], block]))
            for row in block.tolist():
                for _, other in sorted(pair for pair in near.get(row, []) if first_of[pair[1]] == pair[1])[:_MAX_TRIES]:
                    if is_one_recording(fingerprint_of(int(self.ids[other])), fingerprint_of(int(self.ids[row]))):
                        first_of[row] = other
                        break
                else:
                    firsts[count] = row
                    count += 1
        return self._as_groups(first_of)

    def _near(self, block: NDArray[np.int64], others: NDArray[np.int64]) -> dict[int, list[tuple[float, int]]]:
        """Return for each row of a block the earlier ones among `others` that are near, with squared distances."""
        low = int(np.searchsorted(self.durations[others], self.durations[block[0]] - MAX_LENGTH_DIFFERENCE_SECONDS))
        found: dict[int, list[tuple[float, int]]] = {}
        points = self.points[block]
        norms = np.einsum("ij,ij->i", points, points)
        for start in range(low, others.size, _TILE_ROWS):
            tile = others[start : start + _TILE_ROWS]
            other_points = self.points[tile]
            squared = points @ (-2 * other_points.T)
            squared += np.einsum("ij,ij->i", other_points, other_points)
            squared += norms[:, None]
            rows, columns = np.nonzero(squared <= MAX_DISTANCE**2)
            squared = squared[rows, columns]
            rows, columns = block[rows], tile[columns]
            lengths = self.durations[rows] - self.durations[columns]
            fits = (columns < rows) & (lengths <= MAX_LENGTH_DIFFERENCE_SECONDS)
            for row, column, distance in zip(
                rows[fits].tolist(), columns[fits].tolist(), squared[fits].tolist(), strict=True
            ):
                found.setdefault(row, []).append((distance, column))
        return found

    def _as_groups(self, first_of: NDArray[np.int64]) -> list[list[int]]:
        order = np.argsort(first_of, kind="stable")
        _, starts, sizes = np.unique(first_of[order], return_index=True, return_counts=True)
        return [
            sorted(self.ids[order[start : start + size]].tolist())
            for start, size in zip(starts.tolist(), sizes.tolist(), strict=True)
            if size > 1
        ]


def points_of(vectors: Float32Array) -> Float32Array:
    """Return the points of vectors, (n, VECTOR_SIZE or more): what is compared, in units that the formats differ by."""
    parts: list[Float32Array] = []
    start = 0
    for name, size in FEATURE_GROUPS.items():
        if name in _COMPARED:
            count, unit = _COMPARED[name]
            values = vectors[:, start : start + count]
            if name == "mean_spectrum":
                values = values - values.mean(axis=1, keepdims=True)  # its level depends on the bands that are left out
            parts.append(values / unit)
        start += size
    return np.asarray(np.concatenate(parts, axis=1) / COMPARED_VALUES**0.5, np.float32)


def load_sounds(db: sqlite3.Connection) -> Sounds:
    """Read all tracks that have a vector of the present version and a fingerprint, also missing ones; no silence.

    The vectors are read in chunks. A fingerprint is read when it is asked for.
    """
    ids: list[NDArray[np.int64]] = []
    durations: list[NDArray[np.float64]] = []
    points: list[Float32Array] = []
    last_id = -1
    while rows := _rows(db, last_id):
        last_id = rows[-1]["track_id"]
        vectors = np.frombuffer(b"".join(row["data"] for row in rows), "<f4").reshape(len(rows), -1)
        is_heard = vectors[:, 0] > _SILENCE_LOUDNESS
        ids.append(np.array([row["track_id"] for row in rows], np.int64)[is_heard])
        durations.append(np.array([row["duration"] for row in rows], np.float64)[is_heard])
        points.append(points_of(vectors[is_heard]))
    if not ids:
        empty = np.zeros(0)
        return Sounds(empty.astype(np.int64), empty, np.zeros((0, COMPARED_VALUES), np.float32), lambda _: b"")
    all_durations = np.concatenate(durations)
    order = np.argsort(all_durations, kind="stable")
    all_points = np.concatenate(points)
    points.clear()
    return Sounds(
        np.concatenate(ids)[order], all_durations[order], all_points[order], lambda i: _acoustic_fingerprint(db, i)
    )


def _rows(db: sqlite3.Connection, last_id: int) -> Sequence[sqlite3.Row]:
    return db.execute(
        "SELECT v.track_id, v.data, t.duration FROM vectors v JOIN tracks t ON t.id = v.track_id "
        "WHERE v.version = ? AND v.data IS NOT NULL AND v.track_id > ? "
        "AND EXISTS (SELECT 1 FROM acoustic_fingerprints f WHERE f.track_id = v.track_id) "
        f"ORDER BY v.track_id LIMIT {_CHUNK_ROWS}",
        (FEATURE_VERSION, last_id),
    ).fetchall()


def _acoustic_fingerprint(db: sqlite3.Connection, track_id: int) -> bytes:
    row = db.execute("SELECT data FROM acoustic_fingerprints WHERE track_id = ?", (track_id,)).fetchone()
    return bytes(row["data"]) if row else b""
