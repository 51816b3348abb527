"""The similarity index: the nearest-neighbour index, kept up to date while tracks are analysed."""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from soniquebay.audio.feature_schema import VECTOR_SIZES
from soniquebay.library.similarity import artists, vectors

if TYPE_CHECKING:
    from soniquebay.library.similarity import means
    from soniquebay.library.similarity.nearest_neighbours import NearestNeighbourIndex, Neighbours

log = logging.getLogger(__name__)

Kind = Literal["track", "album", "artist", "genre"]
_KINDS_OF_MEANS: "tuple[means.Kind, ...]" = ("album", "artist", "genre")

_MAX_SYNCHRONOUS_TRACKS = 2000  # up to here a request waits for a rebuild, which takes some 50 ms
_PAUSE_FACTOR = 100  # the pause after a rebuild is this many times as long as the rebuild took


class SimilarityIndex:
    """The points of the whole library in memory, 80 bytes each. Safe to use from several threads.

    A stored vector is added at once. The index as a whole, with its embedding, is rebuilt when the library has changed:
    at most a hundredth of the time goes into that, and for a larger library it happens in the background. `connect`
    returns a connection that the calling thread can read from.

    After an upgrade all are compared by the values that the oldest vector has. Once that is replaced, the next rebuild
    compares all values.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._index: NearestNeighbourIndex | None = None
        self._lock = threading.Lock()  # guards all fields
        self._rebuild_lock = threading.Lock()  # held during a rebuild
        self._updates_during_rebuild: dict[int, bytes | None] | None = None  # None: no rebuild is under way
        self._next_rebuild_at = 0.0  # monotonic seconds
        self._means: dict[Kind, _Means] = {}

    def load_in_background(self) -> None:
        """Build the index and the first means in a thread, so that the first requests do not wait for them."""
        threading.Thread(target=self._try_to_rebuild, name="vectors", daemon=True).start()

    def update(self, track_id: int, version: int, data: bytes | None) -> None:
        """Add or replace a track after `vectors.store` was committed; None as its vector removes it.

        `data` is a vector as `vectors.store` takes it. One that cannot be compared counts as None.
        """
        self._set(track_id, data if version in VECTOR_SIZES else None)

    def remove(self, track_id: int) -> None:
        """Remove a track, as it has no vector any more."""
        self._set(track_id, None)

    def _set(self, track_id: int, vector: bytes | None) -> None:
        with self._lock:
            if self._updates_during_rebuild is not None:
                self._updates_during_rebuild[track_id] = vector
            if self._index is not None:
                self._index.set_vector(track_id, vector)

    def mark_outdated(self) -> None:
        """Have the next request rebuild the index, because tracks that were missing are back."""
        with self._lock:
            if self._index is not None:
                self._index.changes += 1
                self._next_rebuild_at = 0.0
            for means in self._means.values():
                means.next_rebuild_at = 0.0

    def nearest(self, db: sqlite3.Connection, track_id: int, limit: int) -> list[tuple[int, float]] | None:
        """Return the ids and similarities (0 to 1) of the nearest tracks, nearest first.

        Returns None when the track has no vector that can be compared. Tracks without one are no neighbours.
        """

        def find(index: "NearestNeighbourIndex") -> "Neighbours | None":
            row = index.row_of(track_id)
            return None if row is None else index.nearest(row, limit)

        return self._found(db, find, [track_id])

    def nearest_to_mean(
        self, db: sqlite3.Connection, track_ids: Sequence[int], limit: int, away_from: Sequence[int] = ()
    ) -> list[tuple[int, float]]:
        """Return the ids and similarities of the tracks nearest to the mean of some tracks, these among them.

        Those that sound like `away_from` are less near. None are returned if none of `track_ids` has a vector that can
        be compared.
        """
        return self._found(db, lambda index: index.nearest_to_mean(track_ids, limit, away_from)) or []

    def path(self, db: sqlite3.Connection, first_id: int, last_id: int, count: int) -> list[tuple[int, float]] | None:
        """Return at most `count` tracks that lead from one to another by their sound, with both at its ends.

        Beside each id is its similarity to the first. Returns None when one of the two has no vector.
        """

        def find(index: "NearestNeighbourIndex") -> "Neighbours | None":
            from soniquebay.library.similarity import paths  # imported late, as below

            first, last = index.row_of(first_id), index.row_of(last_id)
            if first is None or last is None:
                return None
            near = paths.near_line(index, first, last)
            return paths.path(near, artists.credited(db, near.ids.tolist()), first_id, last_id, count)

        return self._found(db, find)

    def _found(
        self,
        db: sqlite3.Connection,
        find: "Callable[[NearestNeighbourIndex], Neighbours | None]",
        others: Sequence[int] = (),
    ) -> list[tuple[int, float]] | None:
        """Return what is found in the index, once it and `others` have vectors in the database, too."""
        self._rebuild_if_due()
        while True:
            with self._lock:
                found = find(self._index) if self._index else None
            if found is None:
                return None
            ids, similarities = found
            # Tracks are removed in many ways (a changed file, a removed folder), so the database has the last word.
            removed = _without_vector(db, [*others, *ids.tolist()])
            if not removed:
                return list(zip(ids.tolist(), similarities.tolist(), strict=True))
            for removed_id in removed:
                self.remove(removed_id)

    def rank(self, db: sqlite3.Connection, kind: Kind, item_id: int, limit: int) -> list[tuple[int, float]] | None:
        """Return ids and similarities of the items of a kind that are nearest to one of them; None without a vector.

        The similarity of albums, artists and genres is that of the means of their tracks. Their means may be as old as
        a hundred times the time in which they are computed. Some of the items may no longer be there.
        """
        self._rebuild_if_due()
        index = self._index if kind == "track" else self._means_of(db, kind)
        with self._lock:  # that of the tracks may be changed meanwhile
            row = index.row_of(item_id) if index else None
            if index is None or row is None:
                return None
            ids, similarities = index.nearest(row, limit)
        return list(zip(ids.tolist(), similarities.tolist(), strict=True))

    def _means_of(self, db: sqlite3.Connection, kind: "means.Kind") -> "NearestNeighbourIndex | None":
        with self._lock:
            index, known = self._index, self._means.setdefault(kind, _Means())
            if index is None:
                return None
            is_quick = known.index is None or index.count <= _MAX_SYNCHRONOUS_TRACKS
        if time.monotonic() >= known.next_rebuild_at:
            if is_quick:
                self._compute_means(db, index, kind, known)
            elif not known.lock.locked():
                threading.Thread(
                    target=lambda: self._compute_means(self._connect(), index, kind, known), name="means", daemon=True
                ).start()
        return known.index

    def _compute_means(
        self, db: sqlite3.Connection, index: "NearestNeighbourIndex", kind: "means.Kind", known: "_Means"
    ) -> None:
        from soniquebay.library.similarity.means import load_means  # imported late, as below

        with known.lock:
            if time.monotonic() < known.next_rebuild_at:
                return  # another thread has computed them meanwhile
            started = time.monotonic()
            known.index = load_means(db, index, self._lock, kind)
            known.next_rebuild_at = time.monotonic() + _PAUSE_FACTOR * (time.monotonic() - started)

    def _rebuild_if_due(self) -> None:
        with self._lock:
            index = self._index
            if index is not None:
                is_outdated = index.changes or index.is_partial
                if not is_outdated or time.monotonic() < self._next_rebuild_at:
                    return
            is_quick = index is None or index.count <= _MAX_SYNCHRONOUS_TRACKS
        if is_quick:
            self._rebuild()
        elif not self._rebuild_lock.locked():
            self.load_in_background()

    def _try_to_rebuild(self) -> None:
        try:
            self._rebuild()
            for kind in _KINDS_OF_MEANS:
                if kind not in self._means:
                    self._means_of(self._connect(), kind)
        except sqlite3.Error as error:  # whoever asks for similar tracks gets it as well
            log.warning("no similar tracks are found: %s", error)

    def _rebuild(self) -> None:
        has_waited = self._rebuild_lock.locked()
        with self._rebuild_lock:
            if has_waited and self._index is not None:
                return  # another thread has rebuilt it meanwhile
            with self._lock:
                self._updates_during_rebuild = {}
            started = time.monotonic()
            try:
                index = _load(self._connect())
            finally:
                with self._lock:
                    updates, self._updates_during_rebuild = self._updates_during_rebuild or {}, None
            with self._lock:
                if index is not None:
                    for track_id, vector in updates.items():
                        index.set_vector(track_id, vector)
                self._index = index
                self._next_rebuild_at = time.monotonic() + _PAUSE_FACTOR * (time.monotonic() - started)


@dataclass(slots=True)
class _Means:
    """The index of one kind: None until it was computed, or if there is nothing in it."""

    index: "NearestNeighbourIndex | None" = None
    next_rebuild_at: float = 0.0  # monotonic seconds
    lock: threading.Lock = field(default_factory=threading.Lock)  # held while it is computed


def _load(db: sqlite3.Connection) -> "NearestNeighbourIndex | None":
    if not vectors.has_vectors(db):
        return None
    # Imported late: numpy takes 25 MB, which the API of an empty library does not need.
    from soniquebay.library.similarity.nearest_neighbours import load_index

    return load_index(db)


def _without_vector(db: sqlite3.Connection, ids: list[int]) -> list[int]:
    """Return those of the tracks that are missing, deleted, or without a vector that can be compared."""
    rows = db.execute(
        "SELECT track_id FROM vectors JOIN tracks ON id = track_id AND missing_since IS NULL "
        f"WHERE {vectors.COMPARABLE} AND track_id IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    )
    with_vector = {row["track_id"] for row in rows}
    return [track_id for track_id in ids if track_id not in with_vector]
