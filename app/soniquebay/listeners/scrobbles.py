"""The plays that other services are to be told of. They wait here until a service has answered."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from soniquebay.listeners.heard import Heard, from_json

Service = Literal["listenbrainz", "lastfm"]
MAX_WAITING = 10_000  # of one account: half a year of 50 a day, 5 MB. The oldest make room
_DAY_SECONDS = 86_400.0
MAX_BELIEVED_AGE_SECONDS = 365 * _DAY_SECONDS  # of a play that waits; beyond it the clock is wrong, or was
_FIRST_LISTEN = 1_033_430_400.0  # 2002-10-01: ListenBrainz takes nothing from before


@dataclass(frozen=True, slots=True)
class Rules:
    """What a service takes."""

    label: str
    """Its name, for people."""
    batch: int
    """Plays of one request."""
    ignored_up_to_seconds: float
    """Tracks up to this length are none of its plays."""
    earliest: Callable[[float], float]
    """The oldest play that it takes, by the present time (both Unix time)."""
    too_old: str
    """What became of plays that are older."""


RULES: Mapping[Service, Rules] = {
    "listenbrainz": Rules(
        "ListenBrainz", 1000, 0.0, lambda now: _FIRST_LISTEN, "ListenBrainz takes no plays from before October 2002"
    ),
    "lastfm": Rules(
        "Last.fm", 50, 30.0, lambda now: now - 14 * _DAY_SECONDS, "Last.fm takes no plays that are older than 14 days"
    ),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A play that waits."""

    id: int
    played_at: float
    """Unix time."""
    heard: Heard


def add(db: sqlite3.Connection, user_id: int, heard: Heard | None, at: float) -> None:
    """Have the services that a user has connected told of a play at a time (Unix seconds)."""
    if heard is None:
        return
    rows = db.execute("SELECT service FROM scrobble_accounts WHERE user_id = ? AND name IS NOT NULL", (user_id,))
    for row in rows.fetchall():
        service: Service = row["service"]
        if heard.duration <= RULES[service].ignored_up_to_seconds:
            continue
        db.execute(
            "INSERT INTO scrobbles (user_id, service, played_at, heard) VALUES (?, ?, ?, ?)",
            (user_id, service, at, heard.to_json()),
        )
        _make_room(db, user_id, service)


def _make_room(db: sqlite3.Connection, user_id: int, service: Service) -> None:
    dropped = db.execute(
        "DELETE FROM scrobbles WHERE id IN (SELECT id FROM scrobbles WHERE user_id = ? AND service = ? "
        "ORDER BY played_at DESC, id DESC LIMIT -1 OFFSET ?)",
        (user_id, service, MAX_WAITING),
    ).rowcount
    note_dropped(db, user_id, service, dropped, f"more than {MAX_WAITING} plays were waiting")


def note_dropped(db: sqlite3.Connection, user_id: int, service: Service, count: int, reason: str) -> None:
    """Count plays that a service is not told of, and keep the reason for their user."""
    if count:
        db.execute(
            "UPDATE scrobble_accounts SET dropped = dropped + ?, dropped_reason = ? WHERE user_id = ? AND service = ?",
            (count, reason, user_id, service),
        )


def drop_old(db: sqlite3.Connection, user_id: int, service: Service, now: float) -> None:
    """Delete the plays that are too old for their service, but not those so old that the clock must be wrong.

    Those are sent, and the service decides. No service takes plays from before it began.
    """
    rules = RULES[service]
    dropped = db.execute(
        "DELETE FROM scrobbles WHERE user_id = ? AND service = ? AND played_at < ? "
        "AND (played_at > ? OR played_at < ?)",
        (user_id, service, rules.earliest(now), now - MAX_BELIEVED_AGE_SECONDS, _FIRST_LISTEN),
    ).rowcount
    note_dropped(db, user_id, service, dropped, rules.too_old)


def next_batch(db: sqlite3.Connection, user_id: int, service: Service) -> list[Waiting]:
    """Return the oldest waiting plays, as many as a request takes."""
    rows = db.execute(
        "SELECT id, played_at, heard FROM scrobbles WHERE user_id = ? AND service = ? ORDER BY played_at, id LIMIT ?",
        (user_id, service, RULES[service].batch),
    )
    return [Waiting(row["id"], row["played_at"], from_json(row["heard"])) for row in rows]


def delete(db: sqlite3.Connection, plays: Iterable[Waiting]) -> None:
    """Delete plays, after the answer of their service."""
    db.executemany("DELETE FROM scrobbles WHERE id = ?", [(play.id,) for play in plays])
