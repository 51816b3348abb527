"""Playlists: tracks in an order that a user has chosen, for the user alone or for all users to play."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from soniquebay.listeners.entry_table import EntryTable

# A change in front rewrites all entries: 20,000 are some 0.3 MB that are written to the card.
MAX_ENTRIES = 20_000
MAX_PLAYLISTS_OF_USER = 1_000  # they are listed in one answer
MAX_NAME_CHARACTERS = 200
MAX_COMMENT_CHARACTERS = 4_000
ENTRIES = EntryTable("playlist_entries", "playlist_id")

_SELECT = """
SELECT p.id, p.user_id, u.name AS user_name, p.name, p.comment, p.is_public, p.rules, p.revision,
       p.created_at, p.changed_at, (SELECT count(*) FROM playlist_entries e WHERE e.playlist_id = p.id) AS entry_count,
       f.path
FROM playlists p JOIN users u ON u.id = p.user_id LEFT JOIN playlist_files f ON f.playlist_id = p.id
"""


class UnacceptablePlaylistError(ValueError):
    """A name or comment is empty or too long, or there are too many entries or playlists. The text says so."""


class ReadOnlyError(Exception):
    """A user may read a playlist and not change it: it is another user's, or that of a file. The text says which."""


class OutdatedError(Exception):
    """The entries have changed since a client has read them, so its positions are those of others."""


@dataclass(frozen=True, slots=True)
class Playlist:
    """A playlist without its entries."""

    id: int
    user_id: int
    user_name: str
    """The owner's."""
    name: str
    comment: str
    is_public: bool
    rules: str | None
    """As JSON: of a smart playlist, which has no entries."""
    revision: int
    """It is another one whenever the entries have changed."""
    created_at: float
    """Unix seconds."""
    changed_at: float
    """Unix seconds."""
    entry_count: int
    path: str | None = None
    """Encoded: of the file that the playlist follows. It is changed by that alone."""


def create(  # noqa: PLR0917 - of one row
    db: sqlite3.Connection,
    user_id: int,
    name: str,
    comment: str,
    item_ids: Sequence[int],
    at: float,
    *,
    is_public: bool = False,
    rules: str | None = None,
    of_file: bool = False,
) -> Playlist:
    """Make a playlist; with `rules`, as JSON that was checked, a smart one. Raises `UnacceptablePlaylistError`.

    Those of files (`of_file`) are counted apart from the others. `at` is the time in Unix seconds.
    """
    name, comment = _checked_name(name), _checked_comment(comment)
    (count,) = db.execute(
        "SELECT count(*) FROM playlists p LEFT JOIN playlist_files f ON f.playlist_id = p.id "
        "WHERE p.user_id = ? AND (f.path IS NOT NULL) = ?",
        (user_id, of_file),
    ).fetchone()
    if count >= MAX_PLAYLISTS_OF_USER:
        raise UnacceptablePlaylistError(f"a user has at most {MAX_PLAYLISTS_OF_USER} playlists: delete one first")
    cursor = db.execute(
        "INSERT INTO playlists (user_id, name, comment, is_public, rules, revision, created_at, changed_at) "
        "VALUES (?, ?, ?, ?, ?, 0, ?, ?)",
        (user_id, name, comment, int(is_public), rules, at, at),
    )
    playlist_id = int(cursor.lastrowid or 0)
    _check_count(item_ids)
    ENTRIES.write(db, playlist_id, item_ids)
    return find(db, user_id, playlist_id)


def visible(db: sqlite3.Connection, user_id: int) -> list[Playlist]:
    """Return a user's own playlists and the public ones of others, by name."""
    rows = db.execute(f"{_SELECT} WHERE p.user_id = ? OR p.is_public ORDER BY p.name COLLATE NOCASE, p.id", (user_id,))
    return [_playlist(row) for row in rows]


def find(db: sqlite3.Connection, user_id: int, playlist_id: int) -> Playlist:
    """Return a playlist that a user may read. Raises ``LookupError``, also for one that others keep to themselves."""
    row = db.execute(f"{_SELECT} WHERE p.id = ? AND (p.user_id = ? OR p.is_public)", (playlist_id, user_id)).fetchone()
    if row is None:
        raise LookupError(f"no playlist {playlist_id}")
    return _playlist(row)


def size(db: sqlite3.Connection, playlist_id: int) -> tuple[int, float]:
    """Return how many entries of a playlist have a file that is there, and how long these are in seconds."""
    row = db.execute(
        "SELECT count(*), coalesce(sum(t.duration), 0) FROM playlist_entries e JOIN items i ON i.id = e.item_id "
        "JOIN library.tracks t ON t.id = i.library_id AND t.missing_since IS NULL WHERE e.playlist_id = ?",
        (playlist_id,),
    ).fetchone()
    return int(row[0]), float(row[1])


def first_track_with_cover(db: sqlite3.Connection, playlist_id: int) -> int | None:
    """Return the id of the first track of a playlist that has a cover, its own or that of its album."""
    row = db.execute(
        "SELECT t.id FROM playlist_entries e JOIN items i ON i.id = e.item_id "
        "JOIN library.tracks t ON t.id = i.library_id LEFT JOIN library.albums b ON b.id = t.album_id "
        "LEFT JOIN library.track_covers c ON c.track_id = t.id "
        "WHERE e.playlist_id = ? AND (c.sha256 IS NOT NULL OR b.cover_sha256 IS NOT NULL) ORDER BY e.position LIMIT 1",
        (playlist_id,),
    ).fetchone()
    return int(row["id"]) if row else None


def find_own(db: sqlite3.Connection, user_id: int, playlist_id: int) -> Playlist:
    """Return a playlist that a user may change. Raises ``LookupError``, and `ReadOnlyError` for what others change."""
    found = find(db, user_id, playlist_id)
    if found.user_id != user_id:
        raise ReadOnlyError(f"playlist {playlist_id} belongs to {found.user_name}, who alone changes it")
    if found.path is not None:
        raise ReadOnlyError(f"playlist {playlist_id} is a file of the library: change the file, or make a copy")
    return found


def change(
    db: sqlite3.Connection,
    playlist: Playlist,
    at: float,
    *,
    name: str | None = None,
    comment: str | None = None,
    is_public: bool | None = None,
    rules: str | None = None,
) -> None:
    """Change what is given, at a time (Unix seconds).

    Raises `UnacceptablePlaylistError`, also for rules of a playlist that has none.
    """
    if rules is not None and playlist.rules is None:
        raise UnacceptablePlaylistError("this playlist has entries and no rules")
    db.execute(
        "UPDATE playlists SET name = ?, comment = ?, is_public = ?, rules = ?, changed_at = ? WHERE id = ?",
        (
            playlist.name if name is None else _checked_name(name),
            playlist.comment if comment is None else _checked_comment(comment),
            int(playlist.is_public if is_public is None else is_public),
            playlist.rules if rules is None else rules,
            at,
            playlist.id,
        ),
    )


def delete(db: sqlite3.Connection, playlist: Playlist) -> None:
    """Delete a playlist."""
    db.execute("DELETE FROM playlists WHERE id = ?", (playlist.id,))


def check_revision(playlist: Playlist, revision: int | None) -> None:
    """Raise `OutdatedError` unless a revision that a client has read is the newest one; None is any."""
    if revision is not None and revision != playlist.revision:
        raise OutdatedError(f"playlist {playlist.id} has changed: its revision is {playlist.revision} now")


def replace(db: sqlite3.Connection, playlist: Playlist, item_ids: Sequence[int], at: float) -> None:
    """Replace all entries at a time (Unix seconds). Raises `UnacceptablePlaylistError`, also for a smart playlist."""
    if playlist.rules is not None:
        raise UnacceptablePlaylistError("the tracks of this playlist follow from its rules")
    _check_count(item_ids)
    ENTRIES.write(db, playlist.id, item_ids)
    db.execute("UPDATE playlists SET revision = revision + 1, changed_at = ? WHERE id = ?", (at, playlist.id))


def append(db: sqlite3.Connection, playlist: Playlist, item_ids: Sequence[int], at: float) -> None:
    """Add entries at the end, at a time (Unix seconds). Raises `UnacceptablePlaylistError`."""
    replace(db, playlist, [*ENTRIES.read(db, playlist.id), *item_ids], at)


def remove(db: sqlite3.Connection, playlist: Playlist, positions: Iterable[int], at: float) -> None:
    """Remove the entries at positions, counted from 0, at a time (Unix seconds).

    Raises `UnacceptablePlaylistError` where there is no entry.
    """
    before, removed = ENTRIES.read(db, playlist.id), set(positions)
    for position in removed:
        _check_position(before, position)
    replace(db, playlist, [item for position, item in enumerate(before) if position not in removed], at)


def move(db: sqlite3.Connection, playlist: Playlist, position: int, count: int, to: int, at: float) -> None:  # noqa: PLR0917
    """Move `count` entries from a position on, so that the first of them is at `to` then.

    `at` is the time in Unix seconds. Raises `UnacceptablePlaylistError` where there is no entry.
    """
    before = ENTRIES.read(db, playlist.id)
    if count < 1:
        raise UnacceptablePlaylistError("at least one entry is moved")
    _check_position(before, position)
    _check_position(before, position + count - 1)
    rest = before[:position] + before[position + count :]
    if not 0 <= to <= len(rest):
        raise UnacceptablePlaylistError(f"{count} entries cannot begin at position {to}")
    replace(db, playlist, rest[:to] + before[position : position + count] + rest[to:], at)


def _check_position(entries: Sequence[int], position: int) -> None:
    if not 0 <= position < len(entries):
        raise UnacceptablePlaylistError(f"there is no entry at position {position}")


def _check_count(item_ids: Sequence[int]) -> None:
    if len(item_ids) > MAX_ENTRIES:
        raise UnacceptablePlaylistError(f"a playlist has at most {MAX_ENTRIES} entries")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise UnacceptablePlaylistError(
            f"the name of a playlist has 1 to {MAX_NAME_CHARACTERS} characters, and no control characters"
        )
    return name


def _checked_comment(comment: str) -> str:
    if len(comment) > MAX_COMMENT_CHARACTERS:
        raise UnacceptablePlaylistError(f"a comment has at most {MAX_COMMENT_CHARACTERS} characters")
    return comment


def _playlist(row: Any) -> Playlist:
    return Playlist(**{**row, "is_public": bool(row["is_public"])})
