"""Rankings of the library by its sound tags, made from the stored probabilities."""

import sqlite3
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.sound_tags import SOUND_TAGS, SOUND_TAGS_VERSION
from soniquebay.library.similarity.tag_names import TAG_NAMES, TAG_WORDS, TAGS_OF_GENRES
from soniquebay.sqlite import plain_cursor

MIN_PROBABILITY = 0.1
RANKED_PART = 5  # the top fifth of the tracks with sound tags is ranked
_ROWS_PER_STEP = 10_000
_MIN_STORED = np.float32(np.float16(MIN_PROBABILITY))  # as the table has it

Ids = NDArray[np.int64]
Probabilities = NDArray[np.float32]


class TagRankings:
    """For each tag the tracks of which it is guessed, the most likely first. It does not change."""

    def __init__(self, ids: Ids, words: NDArray[np.float16]) -> None:
        """`ids`: of the tracks, ascending; `words`: their rows, with a column for each of `SOUND_TAGS`."""
        self.count = ids.size
        self._ids = ids
        self._ranked: dict[str, tuple[Ids, Probabilities]] = {}
        self._best = np.zeros(ids.size, np.uint8)  # numbers of the most likely tags, from 1; 0 without any
        highest = np.zeros(ids.size, np.float32)
        most = -(-ids.size // RANKED_PART)  # rounded up
        for number, name in enumerate(TAG_NAMES, start=1):
            columns = [SOUND_TAGS.index(word) for word in TAG_WORDS[name]]
            likely = words[:, columns].astype(np.float32).max(axis=1)
            rows = np.flatnonzero(likely >= _MIN_STORED)
            rows = rows[np.argsort(-likely[rows], kind="stable")][:most]
            self._ranked[name] = ids[rows], likely[rows]
            higher = rows[likely[rows] > highest[rows]]
            self._best[higher], highest[higher] = number, likely[higher]

    def counts(self) -> dict[str, int]:
        """Return of how many tracks each tag is guessed, in the order of the names."""
        return {name: int(ids.size) for name, (ids, _) in self._ranked.items()}

    def tracks(self, names: Sequence[str]) -> list[tuple[int, float]]:
        """Return the tracks of which all these tags are guessed, with the product of the probabilities, highest first.

        The order by a product does not depend on how likely each tag is in general. Of equal ones the smallest id is
        first.
        """
        ids, products = self._ranked[names[0]]
        for name in names[1:]:
            others, likely = self._ranked[name]
            ids, here, there = np.intersect1d(ids, others, assume_unique=True, return_indices=True)
            products = products[here] * likely[there]
        order = np.lexsort((ids, -products))
        return list(zip(ids[order].tolist(), products[order].tolist(), strict=True))

    def of_track(self, track_id: int) -> list[tuple[str, int]]:
        """Return the tags that are guessed of a track, the most likely first, with its position in each, from 1."""
        found = []
        for name, (ids, likely) in self._ranked.items():
            for place in np.flatnonzero(ids == track_id).tolist():
                found.append((-float(likely[place]), name, place + 1))
        return [(name, position) for _, name, position in sorted(found)]

    def genre(self, track_id: int) -> str | None:
        """Return the most likely of the tags of a track that are genres."""
        return next((name for name, _ in self.of_track(track_id) if name in TAGS_OF_GENRES), None)

    def numbers(self, track_ids: Sequence[int]) -> list[int]:
        """Return for each track the number of its most likely tag among `TAG_NAMES`, from 1; 0 without any."""
        wanted = np.asarray(track_ids, np.int64)
        rows = np.minimum(np.searchsorted(self._ids, wanted), self.count - 1)
        numbers: list[int] = np.where(self._ids[rows] == wanted, self._best[rows], 0).tolist()
        return numbers


def load_rankings(db: sqlite3.Connection) -> TagRankings | None:
    """Return the rankings of the present tracks; None if none has sound tags of the present version."""
    cursor = plain_cursor(db)
    cursor.execute(
        "SELECT s.track_id, s.probabilities FROM sound_tags s CROSS JOIN tracks t ON t.id = s.track_id "
        "WHERE t.missing_since IS NULL AND s.version = +? ORDER BY s.track_id",
        (SOUND_TAGS_VERSION,),
    )
    ids: list[Ids] = []
    words: list[NDArray[np.float16]] = []
    while rows := cursor.fetchmany(_ROWS_PER_STEP):
        track_ids, data = zip(*rows, strict=True)
        ids.append(np.array(track_ids, np.int64))
        words.append(np.frombuffer(b"".join(data), "<f2").reshape(-1, len(SOUND_TAGS)))
    return TagRankings(np.concatenate(ids), np.concatenate(words)) if ids else None
