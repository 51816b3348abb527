"""Playlists of the files in the folders of music: scans tell what the files say, and the playlists follow.

They belong to the owner, are public, and nobody changes them but by the file.
"""

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soniquebay.library import paths, sessions
from soniquebay.listeners import items, playlists, rules
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.items import Item
from soniquebay.listeners.playlist_files import find_tracks, paths_of
from soniquebay.listeners.playlists import MAX_ENTRIES, UnacceptablePlaylistError

log = logging.getLogger(__name__)

FILES_PER_TRANSACTION = 20
_LOCATIONS_PER_QUERY = 500  # each may mean 100 paths
_STAMPS = "SELECT path, size, mtime_ns FROM playlist_files"
_TO_FOLLOW = "SELECT path FROM playlist_files WHERE new_locations IS NOT NULL"


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a playlist file says; paths and locations are encoded."""

    path: str
    size: int
    mtime_ns: int
    name: str
    comment: str
    rules: str | None
    locations: list[str]


def changed(db: sqlite3.Connection, found: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return those of the files that a scan has found, with size and mtime_ns, that were not read as they are now."""
    known = {row["path"]: (row["size"], row["mtime_ns"]) for row in db.execute(_STAMPS)}
    return [path for path, stamp in found.items() if known.get(path) != stamp]


def remove_gone(db: sqlite3.Connection, is_gone: Callable[[str], bool]) -> int:
    """Remove the files that are gone, by their encoded paths, with their playlists, and return how many they were."""
    gone = [row for row in db.execute("SELECT path, playlist_id FROM playlist_files") if is_gone(row["path"])]
    db.executemany("DELETE FROM playlist_files WHERE path = ?", [(row["path"],) for row in gone])
    db.executemany("DELETE FROM playlists WHERE id = ?", [(row["playlist_id"],) for row in gone])
    return len(gone)


def store(db: sqlite3.Connection, file: ReadFile) -> None:
    """Store what a file says; its playlist follows later. Raises ``ValueError`` for what is not as described."""
    if not (file.name.strip() and file.name.isprintable()):
        raise ValueError("the name of a playlist is of printable characters")
    if file.rules is not None:
        rules.read(file.rules.encode())
    for path in (file.path, *file.locations):
        paths.decode(path)
    values = {name: getattr(file, name) for name in file.__slots__} | {"locations": json.dumps(file.locations)}
    known = db.execute("SELECT * FROM playlist_files WHERE path = ?", (file.path,)).fetchone()
    if known and _says(known) == (file.name, file.comment, file.rules, file.locations):
        db.execute("UPDATE playlist_files SET size = :size, mtime_ns = :mtime_ns WHERE path = :path", values)
        return
    db.execute(
        "INSERT INTO playlist_files (path, size, mtime_ns, name, comment, rules, new_locations) "
        "VALUES (:path, :size, :mtime_ns, :name, :comment, :rules, :locations) ON CONFLICT DO UPDATE SET "
        "size = excluded.size, mtime_ns = excluded.mtime_ns, name = excluded.name, comment = excluded.comment, "
        "rules = excluded.rules, new_locations = excluded.new_locations",
        values,
    )


def _says(row: sqlite3.Row) -> tuple[str, str, str | None, list[str]]:
    return row["name"], row["comment"], row["rules"], _locations(row)


def _locations(row: sqlite3.Row) -> list[str]:
    """Return the locations that a file has now."""
    if row["new_locations"] is not None:
        return [*json.loads(row["new_locations"])]
    return [location for location, _ in json.loads(row["entries"])]


@dataclass(slots=True)
class _Resolved:
    """What is to become of the playlist of a file: the tracks of each location, or the items that it led to before."""

    row: sqlite3.Row
    tracks: list[tuple[str, list[Item], list[int]]]
    is_album: bool
    """It lists an album beside which it lies, as many albums are given out: that is no playlist."""


class LibraryPlaylists:
    """Has the playlists follow their files. For one thread at a time."""

    def __init__(self, database: ListenersDatabase, music: Sequence[Path], tag_encoding: str) -> None:
        self._database = database
        self._roots = [bytes(root) for root in music]
        self._tag_encoding = tag_encoding
        self._done: Any = None

    def run(self) -> None:
        """Follow the files that have changed, and look again for what the library did not have; not during a scan.

        Without an owner nothing happens: there is nobody to whom the playlists could belong.
        """
        db = self._database.reader()
        owner = db.execute("SELECT id FROM users WHERE is_owner").fetchone()
        if owner is None or sessions.active_session(db) is not None:
            return
        # A location leads to a track that is new, or that was moved there.
        state = tuple(
            db.execute(
                "SELECT (SELECT max(id) FROM library.tracks), (SELECT sum(moved) FROM library.scan_sessions)"
            ).fetchone()
        )
        query = _TO_FOLLOW if state == self._done else f"{_TO_FOLLOW} OR unresolved"
        waiting = [row["path"] for row in db.execute(query)]
        for first in range(0, len(waiting), FILES_PER_TRANSACTION):
            self._follow(waiting[first : first + FILES_PER_TRANSACTION], owner["id"])
        self._done = state

    def _follow(self, files: Sequence[str], owner_id: int) -> None:
        rows = (_row(self._database.reader(), path) for path in files)
        resolved = [self._resolve(row) for row in rows if row]
        with self._database.transaction() as db:
            for one in resolved:
                now = _row(db, one.row["path"])
                if now is None or tuple(now) != tuple(one.row):
                    continue  # a scan has told something newer
                _apply(db, one, owner_id, time.time())

    def _resolve(self, row: sqlite3.Row) -> _Resolved:
        db, folder = self._database.reader(), row["path"].rpartition("/")[0]
        before = dict(_items_before(db, row))
        found = list(self._tracks(paths.decode(folder), _locations(row)))
        tracks = [(location, here, before.get(location, [])) for location, here in found]
        return _Resolved(row, tracks, _is_album(db, folder, [here for _, here in found]))

    def _tracks(self, folder: bytes, locations: Sequence[str]) -> Iterator[tuple[str, list[Item]]]:
        """Yield the tracks to which each location leads."""
        db = self._database.reader()
        for first in range(0, len(locations), _LOCATIONS_PER_QUERY):
            part = locations[first : first + _LOCATIONS_PER_QUERY]
            candidates = [paths_of(paths.decode(one), folder, self._roots, self._tag_encoding) for one in part]
            found = find_tracks(db, candidates)
            known = items.read_known(db, "track", [track_id for ids in found for track_id in ids])
            for location, ids in zip(part, found, strict=True):
                yield location, [known[track_id] for track_id in ids if track_id in known]


def _row(db: sqlite3.Connection, path: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute("SELECT * FROM playlist_files WHERE path = ?", (path,)).fetchone()
    return row


def _is_album(db: sqlite3.Connection, folder: str, found: Sequence[Sequence[Item]]) -> bool:
    """Tell whether what locations lead to is one album as a whole, all of it directly in a folder."""
    tracks = {item.library_id: item for here in found for item in here}
    if not all(found) or any((item.path or "").rpartition("/")[0] != folder for item in tracks.values()):
        return False
    albums = db.execute(
        "SELECT DISTINCT album_id FROM library.tracks WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps([*tracks]),),
    ).fetchall()
    if len(albums) != 1 or albums[0]["album_id"] is None:
        return False
    rows = db.execute(
        "SELECT id FROM library.tracks WHERE album_id = ? AND missing_since IS NULL", (albums[0]["album_id"],)
    )
    return tracks.keys() >= {row["id"] for row in rows}


def _items_before(db: sqlite3.Connection, row: sqlite3.Row) -> Iterator[tuple[str, list[int]]]:
    """Yield the items to which each location led before: a track that was moved since stays in the playlist."""
    entries = playlists.ENTRIES.read(db, row["playlist_id"]) if row["playlist_id"] else []
    first = 0
    for location, count in json.loads(row["entries"]):
        if count:
            yield location, entries[first : first + count]
        first += count


def _apply(db: sqlite3.Connection, resolved: _Resolved, owner_id: int, at: float) -> None:
    row = resolved.row
    if resolved.is_album:
        db.execute("DELETE FROM playlists WHERE id = ?", (row["playlist_id"],))
        _mark_followed(db, row, [(location, 0) for location, _, _ in resolved.tracks], 0, None)
        return
    item_ids: list[int] = []
    made: list[tuple[str, int]] = []
    for location, tracks, before in resolved.tracks:
        led_to = (items.get_or_add(db, tracks) if tracks else before)[: MAX_ENTRIES - len(item_ids)]
        item_ids += led_to
        made.append((location, len(led_to)))
    playlist_id = _write(db, row, owner_id, item_ids, at)
    unresolved = sum(not count for _, count in made)
    if playlist_id is None:  # until the library has something new
        made, unresolved = [(location, 0) for location, _ in made], len(made) + 1
    _mark_followed(db, row, made, unresolved, playlist_id)


def _mark_followed(
    db: sqlite3.Connection,
    row: sqlite3.Row,
    entries: Sequence[tuple[str, int]],
    unresolved: int,
    playlist_id: int | None,
) -> None:
    db.execute(
        "UPDATE playlist_files SET entries = ?, new_locations = NULL, unresolved = ?, playlist_id = ? WHERE path = ?",
        (json.dumps(entries), unresolved, playlist_id, row["path"]),
    )


def _write(db: sqlite3.Connection, row: sqlite3.Row, owner_id: int, item_ids: list[int], at: float) -> int | None:
    """Make or change the playlist of a file, and return its id; None where there are too many."""
    name, comment, criteria = row["name"], row["comment"], row["rules"]
    if row["playlist_id"] is None:
        try:
            playlist = playlists.create(
                db, owner_id, name, comment, item_ids, at, is_public=True, rules=criteria, of_file=True
            )
        except UnacceptablePlaylistError as error:
            log.warning("%s has no playlist: %s", row["path"], error)
            return None
    else:
        playlist = playlists.find(db, owner_id, row["playlist_id"])
        if (playlist.name, playlist.comment, playlist.rules) != (name, comment, criteria):
            playlists.change(db, playlist, at, name=name, comment=comment, rules=criteria)
        if playlists.ENTRIES.read(db, playlist.id) != item_ids:
            playlists.replace(db, playlist, item_ids, at)
    return playlist.id
