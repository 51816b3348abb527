"""The path from one track to another, in short steps and from artist to artist."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from soniquebay.library.similarity.artists import Artists
from soniquebay.library.similarity.nearest_neighbours import NearestNeighbourIndex, Neighbours

MAX_CONSIDERED_TRACKS = (
    2048  # with a whole library of 100,000 the steps are hardly shorter, and it takes ten times as long
)


def near_line(index: NearestNeighbourIndex, first_row: int, last_row: int) -> NearestNeighbourIndex:
    """Return the index of the tracks that lie nearest to the straight line between two, in the order of their ids."""
    first = index.points[first_row]
    along = index.points[last_row] - first
    length = max(float(along @ along), float(np.finfo(np.float32).tiny))
    n = index.count
    shadows = index.points.dot(along, n) - first @ along  # times the length: where the perpendicular meets the line
    on_line = np.clip(shadows / length, 0, 1)
    scaled = index.scaled_distances(first)
    scaled += on_line * (on_line * length - 2 * shadows) / index.local_scale[:n]
    scaled[[first_row, last_row]] = -np.inf
    rows = (
        np.argpartition(scaled, MAX_CONSIDERED_TRACKS)[:MAX_CONSIDERED_TRACKS]
        if n > MAX_CONSIDERED_TRACKS
        else np.arange(n)
    )
    return index.part(rows[np.argsort(index.ids[rows])])


def path(index: NearestNeighbourIndex, artists: Artists, first_id: int, last_id: int, count: int) -> Neighbours:
    """Return the ids of at most `count` tracks that lead from one to another, and their similarities to the first.

    The next track is the one that lies nearest to where the straight line from the present track to the end would be
    after one of the steps that are left. No track is there twice. A track that has an artist in common with the one
    before it, or the last but one with the last, is taken only where no other is left. From a track to itself the path
    is that track. Raises ``ValueError`` for a track that is not in the index.
    """
    first, last = index.row_of(first_id), index.row_of(last_id)
    if first is None or last is None:
        raise ValueError("both ends of a path have to be in the index")
    share_artist = _artist_masks(index, artists)
    rows = [first]
    steps = min(count, index.count) - 1 if first != last else 0
    for left in range(steps, 1, -1):
        point = index.points[rows[-1]]
        scaled = index.scaled_distances(np.asarray(point + (index.points[last] - point) / left, np.float32))
        repeats = share_artist(rows[-1]).astype(np.int8)
        if left == 2:
            repeats += share_artist(last)
        repeats[[*rows, last]] = np.iinfo(np.int8).max
        scaled[repeats > repeats.min()] = np.inf
        rows.append(int(np.argmin(scaled)))
    if steps:
        rows.append(last)
    scaled = index.scaled_distances(index.points[first])[rows]
    scaled[0] = 0.0
    return index.ids[rows], index.similarity(scaled, float(index.local_scale[first]))


def _artist_masks(index: NearestNeighbourIndex, artists: Artists) -> Callable[[int], NDArray[np.bool_]]:
    """Return a function that tells of each row whether it has an artist in common with a row."""
    ids = index.ids[: index.count].tolist()
    rows_of_artist: dict[int, list[int]] = {}
    for row, track_id in enumerate(ids):
        for artist_id in artists.get(track_id, ()):
            rows_of_artist.setdefault(artist_id, []).append(row)

    def mask(row: int) -> NDArray[np.bool_]:
        shared = np.zeros(len(ids), np.bool_)
        for artist_id in artists.get(ids[row], ()):
            shared[rows_of_artist[artist_id]] = True
        return shared

    return mask
