"""Rankings by similarity, kept so that all pages of a list come from one, while vectors are added."""

import secrets
import sqlite3
import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from soniquebay.library.similarity.index import Kind, SimilarityIndex

MAX_RANKED = 10_000  # the most similar of a whole library; the filters of a list select among them
MAX_KEPT = 16  # of 160 kB each
_NUMBER_BITS = 53  # a number that every reader of JSON has exactly

Place = tuple[float, int]  # 1 - similarity or score, and id


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ids in the order of their similarity to one item, or of another score; of equal ones the smallest is first."""

    number: int
    _distances: "array[float]"
    _ids: "array[int]"

    @classmethod
    def of_scores(cls, scores: Iterable[tuple[int, float]], number: int = 0) -> "Ranking":
        """Return the ranking of ids with scores from 0 to 1, of which the highest is first.

        One whose scores do not depend on the other ids needs no `number`: a later one goes on where it ended.
        """
        places = sorted((1 - score, item_id) for item_id, score in scores)
        return cls(number, array("d", (d for d, _ in places)), array("q", (i for _, i in places)))

    def places(self, after: Place | None) -> Iterator[Place]:
        """Yield the places behind one, or all."""
        size = len(self._ids)
        start = bisect_right(range(size), after, key=self._place) if after else 0
        return map(self._place, range(start, size))

    def _place(self, row: int) -> Place:
        return self._distances[row], self._ids[row]


class Rankings:
    """The last rankings. Safe to use from several threads."""

    def __init__(self, vectors: SimilarityIndex) -> None:
        self._vectors = vectors
        self._kept: OrderedDict[tuple[Kind, int, int], Ranking] = OrderedDict()
        self._lock = threading.Lock()

    def ranking(self, db: sqlite3.Connection, kind: Kind, item_id: int, number: int | None) -> Ranking | None:
        """Return the ranking of this number for an item, or a new one if the number is None; None without a vector.

        One that is no longer kept is made anew. It is another one if vectors have changed since.
        """
        if number is None:
            number = secrets.randbits(_NUMBER_BITS)
        key = (kind, item_id, number)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        nearest = self._vectors.rank(db, kind, item_id, MAX_RANKED)
        if nearest is None:
            return None
        ranking = Ranking.of_scores(nearest, number)
        with self._lock:
            self._kept[key] = ranking
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return ranking
