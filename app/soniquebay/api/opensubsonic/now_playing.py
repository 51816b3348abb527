"""What users hear now, as their players say. It is kept in memory alone, for some minutes."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MAX_AGE_SECONDS = 600.0  # longer than most songs; a player tells the next one
MAX_PLAYERS = 200


@dataclass(frozen=True, slots=True)
class Playing:
    """A track that somebody hears."""

    user_name: str
    client: str
    track_id: int
    since: float
    """Monotonic seconds."""


class NowPlaying:
    """The last track of each player of each user. Safe from any thread."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._players: dict[tuple[str, str], Playing] = {}

    def note(self, user_name: str, client: str, track_id: int) -> None:
        """Note that a track begins."""
        with self._lock:
            self._players.pop((user_name, client), None)
            while len(self._players) >= MAX_PLAYERS:
                self._players.pop(next(iter(self._players)))
            self._players[user_name, client] = Playing(user_name, client, track_id, self._now())

    def all(self) -> list[tuple[Playing, float]]:
        """Return what is heard now, the newest first, and for how many seconds."""
        now = self._now()
        with self._lock:
            players = list(self._players.values())
        return [(p, now - p.since) for p in reversed(players) if now - p.since < MAX_AGE_SECONDS]
