"""The tracks of smart playlists, kept for a moment: so the pages of one list belong together."""

import threading
import time
from collections.abc import Callable

from soniquebay.listeners import rules
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.playlists import Playlist

CACHE_SECONDS = 60.0
MAX_LISTS = 20  # 0.2 MB each at most


class SmartLists:
    """Selects tracks by the rules of playlists, as their owners see them. Safe from any thread."""

    def __init__(self, database: ListenersDatabase, by_sound: rules.BySound) -> None:
        self._database = database
        self._by_sound = by_sound
        self._lock = threading.Lock()
        self._lists: dict[tuple[int, str], tuple[float, list[int]]] = {}

    def track_ids(self, playlist: Playlist, now: Callable[[], float] = time.monotonic) -> list[int]:
        """Return the ids of the tracks that the rules of a playlist select; it has rules."""
        key = playlist.id, playlist.rules or ""
        with self._lock:
            known = self._lists.get(key)
            if known is not None and known[0] > now():
                return known[1]
        found = rules.select(
            self._database.reader(),
            rules.read((playlist.rules or "").encode()),
            playlist.user_id,
            time.time(),
            self._by_sound,
        )
        with self._lock:
            self._lists.pop(key, None)
            while len(self._lists) >= MAX_LISTS:
                self._lists.pop(next(iter(self._lists)))
            self._lists[key] = now() + CACHE_SECONDS, found
        return found
