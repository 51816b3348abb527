"""The tag index: the rankings by sound tags in memory, made anew when the library has changed."""

import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soniquebay.audio.sound_tags import SOUND_TAGS_VERSION
from soniquebay.library.database import Database
from soniquebay.library.similarity.tag_names import TAG_NAMES

if TYPE_CHECKING:
    from soniquebay.library.similarity.tag_rankings import TagRankings

log = logging.getLogger(__name__)

_MAX_SYNCHRONOUS_TRACKS = 2000  # up to here a request waits for new rankings, which take some 10 ms
_PAUSE_FACTOR = 100  # above that, the pause after new rankings is this many times as long as they took


@dataclass(frozen=True, slots=True)
class TagOfTrack:
    """A tag that is guessed of a track."""

    name: str
    position: int
    """Of the track in the ranking by the tag, from 1."""
    share: float
    """The position as a share of all tracks that were ranked: above 0, at most about 0.2."""


class TagIndex:
    """What is guessed of the whole library by sound tags. Safe to use from several threads.

    The library is read again once something was written: with few tracks at the next request, else in the background,
    in at most a hundredth of the time. Meanwhile tracks may be named that are missing now.
    """

    def __init__(self, database: Database) -> None:
        """`database`: the one whose only writer is this process."""
        self._database = database
        self._lock = threading.Lock()  # held while rankings are made
        self._rankings: TagRankings | None = None
        self._commits = -1  # of the database, when the rankings were made
        self._next_at = 0.0  # monotonic seconds

    def load_in_background(self) -> None:
        """Make the rankings in a thread, so that the first request does not wait for them."""
        threading.Thread(target=self._try_to_load, name="sound tags", daemon=True).start()

    def version(self) -> int:
        """Return a number that is another one once the answers of the other methods may be others."""
        self._current()
        return self._commits

    def counts(self) -> dict[str, int]:
        """Return of how many tracks each tag is guessed, in the order of the names."""
        rankings = self._current()
        return rankings.counts() if rankings else dict.fromkeys(TAG_NAMES, 0)

    def tracks(self, names: Sequence[str]) -> list[tuple[int, float]]:
        """Return ids and scores of the tracks of which all these tags are guessed, the highest score first.

        The score is the product of the probabilities. `names` are names of tags, at least one.
        """
        rankings = self._current()
        return rankings.tracks(names) if rankings else []

    def of_track(self, track_id: int) -> list[TagOfTrack]:
        """Return the tags that are guessed of a track, the most likely first."""
        rankings = self._current()
        if rankings is None:
            return []
        return [TagOfTrack(name, place, place / rankings.count) for name, place in rankings.of_track(track_id)]

    def genre(self, track_id: int) -> str | None:
        """Return the genre that is guessed of a track."""
        rankings = self._current()
        return rankings.genre(track_id) if rankings else None

    def numbers(self, track_ids: Sequence[int]) -> list[int]:
        """Return for each track the number of its most likely tag among `TAG_NAMES`, from 1; 0 without any."""
        rankings = self._current()
        return rankings.numbers(track_ids) if rankings else [0] * len(track_ids)

    def _current(self) -> "TagRankings | None":
        if self._commits == self._database.commits:
            return self._rankings
        if self._commits < 0 or self._rankings is None or self._rankings.count <= _MAX_SYNCHRONOUS_TRACKS:
            self._load()
        elif time.monotonic() >= self._next_at and not self._lock.locked():
            self.load_in_background()
        return self._rankings

    def _try_to_load(self) -> None:
        try:
            self._load()
        except sqlite3.Error as error:  # whoever asks for tags gets it as well
            log.warning("no sound tags are found: %s", error)

    def _load(self) -> None:
        with self._lock:
            commits = self._database.commits  # before the tags are read, so what is kept is never older
            if commits == self._commits:
                return  # another thread has read them meanwhile
            started = time.monotonic()
            self._rankings = _load(self._database.reader())
            self._commits = commits
            self._next_at = time.monotonic() + _PAUSE_FACTOR * (time.monotonic() - started)


def _load(db: sqlite3.Connection) -> "TagRankings | None":
    if db.execute("SELECT 1 FROM sound_tags WHERE version = ?", (SOUND_TAGS_VERSION,)).fetchone() is None:
        return None
    # Imported late: numpy takes 25 MB, which the API of an empty library does not need.
    from soniquebay.library.similarity.tag_rankings import load_rankings

    return load_rankings(db)
