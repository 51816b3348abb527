"""Keeping items and the library together: after a start, and after each scan."""

from typing import Any

from soniquebay.library import sessions
from soniquebay.listeners import plays
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.reattach import detach, forget_unused, reattach, refresh


class Upkeep:
    """What is repeated whenever the library has changed. For one thread at a time."""

    def __init__(self, database: ListenersDatabase) -> None:
        self._database = database
        self._done: Any = None
        self._last_track_id = 0

    def run(self) -> None:
        """Find items again, store anew what they are found by, and forget what is not needed; after a scan only."""
        db = self._database.reader()
        state = tuple(
            db.execute(
                # The catalogue of another release is made anew without a scan.
                "SELECT count(*), max(finished_at), (SELECT count(*) > 0 FROM library.titles_to_group) "
                "FROM library.scan_sessions WHERE finished_at IS NOT NULL"
            ).fetchone()
        )
        # Of a library that is half scanned, a track could be taken for a copy of it elsewhere.
        if state == self._done or sessions.active_session(db) is not None:
            return
        (last_track_id,) = db.execute("SELECT coalesce(max(id), 0) FROM library.tracks").fetchone()
        detach(self._database)
        reattach(self._database, self._last_track_id)
        refresh(self._database)
        with self._database.transaction() as writer:
            forget_unused(writer)
            plays.forget_old(writer)
        self._done, self._last_track_id = state, last_track_id
