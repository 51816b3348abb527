"""Albums, artists and genres compared among themselves: each is the mean of the points of its tracks."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from soniquebay.library.similarity.embedding import Float32Array
from soniquebay.library.similarity.nearest_neighbours import MAX_ANCHORS, NearestNeighbourIndex
from soniquebay.sqlite import plain_cursor

Kind = Literal["album", "artist", "genre"]

_ROWS_PER_STEP = 10_000  # others wait for the lock while the points of so many tracks are copied, about a millisecond
# Id and track, in the order of an index that has all columns. A track counts once for an artist of several roles.
_TRACKS: dict[Kind, str] = {
    "album": "SELECT album_id, id FROM tracks INDEXED BY tracks_album WHERE album_id IS NOT NULL "
    "AND missing_since IS NULL ORDER BY album_id",
    "artist": "SELECT DISTINCT artist_id, track_id FROM track_artists ORDER BY artist_id",
    "genre": "SELECT genre_id, track_id FROM track_genres ORDER BY genre_id",
}


def load_means(
    db: sqlite3.Connection, index: NearestNeighbourIndex, lock: AbstractContextManager[object], kind: Kind
) -> NearestNeighbourIndex | None:
    """Return the index of all albums, artists or genres that have tracks in `index`; None without any.

    `lock` guards `index`, and is held for a moment at a time. A track that is moved in the index meanwhile is left out.
    """
    with lock:
        ids = index.ids[: index.count].copy()
    if not ids.size:
        return None
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    parts: list[tuple[NDArray[np.int64], Float32Array, NDArray[np.int64]]] = []
    for owners, tracks in _read(db, kind):
        rows = order[np.minimum(np.searchsorted(ids, tracks), ids.size - 1)]
        with lock:
            is_known = (index.ids[rows] == tracks) & (rows < index.count)
            points = index.points[rows[is_known]]
        if points.size:
            owner_ids, starts, counts = np.unique(owners[is_known], return_index=True, return_counts=True)
            parts.append((owner_ids, np.add.reduceat(points, starts, axis=0), counts))
    if not parts:
        return None
    # An owner whose tracks came in two steps is there twice, side by side.
    all_ids, sums, counts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    owner_ids, starts = np.unique(all_ids, return_index=True)
    numbers = np.add.reduceat(counts, starts).astype(np.float32)
    means: Float32Array = np.divide(np.add.reduceat(sums, starts, axis=0), numbers[:, None], dtype=np.float32)
    anchors = np.random.default_rng(0).permutation(means)[:MAX_ANCHORS]
    return NearestNeighbourIndex.of_points(index.embedding, index.version, anchors, owner_ids, means)


def _read(db: sqlite3.Connection, kind: Kind) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the ids of albums, artists or genres, and beside each that of a track."""
    cursor = plain_cursor(db)
    cursor.execute(_TRACKS[kind])
    while rows := cursor.fetchmany(_ROWS_PER_STEP):
        owners, tracks = np.array(rows, np.int64).T
        yield owners, tracks
