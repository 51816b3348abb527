"""Making the catalogue anew from what the files said, without reading them: the rules of another release differ.

First, in one transaction, every file is interpreted again, and all album titles are put into a table. Then these are
grouped anew, some at a time, while the library is in use. A rebuild that is interrupted goes on with the table.
"""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from soniquebay.library import genres
from soniquebay.library.catalogue import state
from soniquebay.library.catalogue.dates import year_of
from soniquebay.library.catalogue.interpret import TrackTags, interpret, track_sort_key
from soniquebay.library.catalogue.known_artists import names_in_doubt_of, sure_names_of
from soniquebay.library.catalogue.sort_keys import choose_sort_names, count_sort_names
from soniquebay.library.catalogue.update import Update
from soniquebay.library.search import index

_TRACKS_PER_QUERY = 500
_TRACKS_PER_GENRE_WRITE = 5000  # they are kept in memory until then
_TITLES_PER_TRANSACTION = 50  # other writers get their turn


def titles_left(db: sqlite3.Connection) -> int:
    """Return how many album titles, and tracks without an album, are still to be grouped anew."""
    return int(db.execute("SELECT count(*) FROM titles_to_group").fetchone()[0])


def begin(db: sqlite3.Connection, artist_joins: frozenset[str]) -> None:
    """Interpret every file again, inside the caller's transaction, unless that has been done.

    `artist_joins`: the joins at which credits are always split.
    """
    if state.is_current(db, artist_joins):
        return
    for table in ("artist_names", "joined_names", "sort_names", "titles_to_group"):
        db.execute(f"DELETE FROM {table}")
    names: Counter[tuple[str, str]] = Counter()
    sort_names: Counter[tuple[str, str]] = Counter()
    genres_by_track: dict[int, Sequence[str]] = {}
    for track_id, is_missing, track_tags in _all_track_tags(db, artist_joins):
        db.execute(
            "UPDATE tracks SET title = ?, track_no = ?, disc_no = ?, disc_subtitle = ?, year = ?, date = ?, "
            "original_date = ?, mbid = ?, normalised_album = ?, album_mbid = ?, sort_title = ? WHERE id = ?",
            (
                track_tags.title, track_tags.track_no, track_tags.disc_no, track_tags.disc_subtitle or None,
                year_of(track_tags.date or track_tags.original_date), track_tags.date, track_tags.original_date,
                track_tags.mbid, track_tags.normalised_album, track_tags.album_mbid or None,
                track_sort_key(track_tags), track_id,
            ),
        )  # fmt: skip
        genres_by_track[track_id] = track_tags.genres
        if len(genres_by_track) >= _TRACKS_PER_GENRE_WRITE:
            genres.write(db, genres_by_track)
            genres_by_track.clear()
        if is_missing:
            continue
        names.update(sure_names_of(track_tags))
        sort_names.update(track_tags.sort_names)
        db.executemany(
            "INSERT INTO joined_names (normalised_name, track_id) VALUES (?, ?)",
            [(name, track_id) for name in names_in_doubt_of(track_tags)],
        )
        db.execute(
            "INSERT OR IGNORE INTO titles_to_group (normalised_album, track_id) VALUES (?, ?)",
            (track_tags.normalised_album or "", 0 if track_tags.normalised_album else track_id),
        )
    genres.write(db, genres_by_track)
    db.executemany(
        "INSERT INTO artist_names (normalised_name, mbid, files) VALUES (?, ?, ?)",
        [(*name, files) for name, files in names.items()],
    )
    count_sort_names(db, sort_names)
    choose_sort_names(db)
    state.set_current(db, artist_joins)


def go_on(db: sqlite3.Connection) -> int:
    """Group some titles anew, inside the caller's transaction; return how many are left."""
    rows = db.execute(
        "DELETE FROM titles_to_group WHERE rowid IN (SELECT rowid FROM titles_to_group LIMIT ?) "
        "RETURNING normalised_album, track_id",
        (_TITLES_PER_TRANSACTION,),
    ).fetchall()
    now = time.time()
    update = Update(db, now, now)
    update.touch(
        (row["normalised_album"] for row in rows if row["normalised_album"]),
        (row["track_id"] for row in rows if row["track_id"]),
    )
    track_ids = list(update.catalogue())
    update.settle(())
    index.reindex(db, track_ids)
    return titles_left(db)


def _all_track_tags(db: sqlite3.Connection, artist_joins: frozenset[str]) -> Iterator[tuple[int, bool, TrackTags]]:
    last_id = 0
    while True:
        rows = db.execute(
            "SELECT t.id, t.path, t.missing_since, f.tags FROM tracks t JOIN file_tags f ON f.track_id = t.id "
            "WHERE t.id > ? ORDER BY t.id LIMIT ?",
            (last_id, _TRACKS_PER_QUERY),
        ).fetchall()
        for row in rows:
            track_tags = interpret(json.loads(row["tags"]), row["path"], artist_joins)
            yield row["id"], row["missing_since"] is not None, track_tags
        if len(rows) < _TRACKS_PER_QUERY:
            return
        last_id = rows[-1]["id"]
