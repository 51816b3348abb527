"""How long pages of tracks, albums, artists and genres take in SQLite: `make bench-browse`.

The library is made by SQL alone, so it may have a million tracks. The time is that of the processor, so that other
programs of the machine do not count.
"""

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench import report
from soniquebay.library import queries
from soniquebay.library.browsing import browse, details, lists
from soniquebay.library.catalogue.counts import count_credits, count_genres
from soniquebay.library.database import Database

WANTED_MS = {100_000: 10.0, 1_000_000: 20.0}
LIMIT = 50
REPEATS = 3
_HASH = "((n * 2654435761 + 12345) % 4294967296)"  # Knuth's multiplicative hash: spreads numbers evenly
_SERIES = "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {0})"
Rows = Callable[[sqlite3.Connection, list[int]], list[Any]]


def make(db: sqlite3.Connection, tracks: int) -> None:
    """Fill a library: ten tracks an album, four albums an artist; a tenth of the tracks have a composer."""
    albums, artists = tracks // 10, tracks // 40
    word = f"printf('%08x', {_HASH})"
    for count, sql in (
        (artists, f"INSERT INTO artists (id, name, normalised_name, sort_name, added_at) "
         f"SELECT n, {word}, {word}, {word}, 1e9 + n FROM s"),
        (200, "INSERT INTO genres (id, name, normalised_name, sort_name) "
         "SELECT n, 'g' || n, 'g' || n, 'g' || n FROM s"),
        (albums, f"INSERT INTO albums (id, title, normalised_title, sort_title, artist_id, credit, year, added_at) "
         f"SELECT n, {word}, {word}, {word}, (n - 1) / 4 % {artists} + 1, 'x', 1950 + {_HASH} % 75, 1e9 + n FROM s"),
        (albums, "INSERT INTO album_artists (album_id, position, artist_id, name) "
         f"SELECT n, 0, (n - 1) / 4 % {artists} + 1, 'x' FROM s"),
        (tracks, "INSERT INTO tracks (id, title, sort_title, artist_id, credit, album_id, track_no, disc_no, year, "
         "duration, format, added_at, path, size, mtime_ns) "
         f"SELECT n, {word}, {word}, (n - 1) / 40 % {artists} + 1, 'x', (n - 1) / 10 + 1, n % 10, 1, "
         f"1950 + {_HASH} / 7 % 75, 200, CASE WHEN n % 5000 = 0 THEN 'DSF' WHEN n % 5 < 3 THEN 'FLAC' ELSE 'MP3' END, "
         "1e9 + n / 200, '/' || n, 1, 1 FROM s"),
        (tracks, "INSERT INTO track_artists (track_id, position, role, artist_id, name) "
         f"SELECT n, 0, 'artist', (n - 1) / 40 % {artists} + 1, 'x' FROM s"),
        (tracks // 10, "INSERT INTO track_artists (track_id, position, role, artist_id, name) "
         f"SELECT n * 10, 1, 'composer', n % {artists // 10} + 1, 'x' FROM s"),
        # Genre 1 has a fifth of the tracks, genre 2 a hundredth; the others share the rest.
        (tracks, "INSERT INTO track_genres (track_id, genre_id, name, from_tags) SELECT n, CASE WHEN n % 5 = 0 THEN 1 "
         f"WHEN n % 100 = 1 THEN 2 ELSE 3 + {_HASH} % 198 END, 'x', 1 FROM s"),
    ):  # fmt: skip
        columns, _, select = sql.partition("SELECT")
        db.execute(f"{columns} {_SERIES.format(count)} SELECT {select}")
    every = range(1, tracks + 1)
    count_credits(db, every)
    count_genres(db, every)


def cases(db: sqlite3.Connection) -> Iterator[tuple[str, lists.List, str, Rows]]:
    """Yield name, list, sort and reader of each kind of page."""
    track_filters: dict[str, dict[str, Any]] = {
        "": {}, "genre, a fifth": {"genre_id": 1}, "genre, a hundredth": {"genre_id": 2},
        "genre, a 250th": {"genre_id": 5}, "artist": {"artist_id": 7}, "format, most": {"format": "FLAC"},
        "format, few": {"format": "DSF"}, "a year": {"year_from": 1990, "year_to": 1990},
        "ten years": {"year_from": 1990, "year_to": 1999}, "added, half": {"added_after": 1e9 + _half(db) / 200},
    }  # fmt: skip
    for name, filters in track_filters.items():
        listed = lists.tracks(db, **filters)
        for sort in (*listed.orders, "random"):
            yield f"tracks {sort}; {name}", listed, sort, queries.tracks_by_id
    album_filters: dict[str, dict[str, Any]] = {
        "": {}, "genre, many": {"genre_id": 1}, "genre, few": {"genre_id": 5}, "format, few": {"format": "DSF"},
        "ten years": {"year_from": 1990, "year_to": 1999}, "no compilation": {"compilation": False},
    }  # fmt: skip
    for name, filters in album_filters.items():
        listed = lists.albums(db, **filters)
        for sort in (*listed.orders, "random"):
            yield f"albums {sort}; {name}", listed, sort, queries.albums_by_id
    artist_filters: dict[str, dict[str, Any]] = {
        "": {}, "composers": {"role": "composer"}, "genre": {"genre_id": 1}, "format, few": {"format": "DSF"},
        "ten years": {"year_from": 1990, "year_to": 1999}, "added, half": {"added_after": 1e9 + _half(db) / 40},
        "a year, a format, a genre": {"year_from": 1990, "year_to": 1990, "format": "MP3", "genre_id": 5},
        "album artists, genre": {"role": "album_artist", "genre_id": 5},
    }  # fmt: skip
    for name, filters in artist_filters.items():
        listed = lists.artists(db, **filters)
        for sort in (*listed.orders, "random"):
            yield f"artists {sort}; {name}", listed, sort, queries.artists_by_id
    genre_filters: dict[str, dict[str, Any]] = {
        "": {}, "ten years": {"year_from": 1990, "year_to": 1999}, "format, few": {"format": "DSF"},
    }  # fmt: skip
    for name, filters in genre_filters.items():
        listed = lists.genres(db, **filters)
        for sort in (*listed.orders, "random"):
            yield f"genres {sort}; {name}", listed, sort, details.genres_by_id


def _half(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT max(id) FROM tracks").fetchone()[0]) // 2


def page(db: sqlite3.Connection, listed: lists.List, sort: str, request: browse.Request) -> browse.IdPage:
    """Return one page."""
    if sort == "random":
        return browse.shuffled_page(db, listed, 1, request)
    return browse.page(db, listed, sort, request)


def read(db: sqlite3.Connection, listed: lists.List, sort: str, rows: Rows, request: browse.Request) -> list[Any]:
    """Return the rows of one page."""
    return rows(db, page(db, listed, sort, request).ids)


def milliseconds(action: Callable[[], Any]) -> float:
    """Return the median time of the processor."""
    times = []
    for _ in range(REPEATS):
        began = time.thread_time()
        action()
        times.append(1000 * (time.thread_time() - began))
    return statistics.median(times)


def measure(db: sqlite3.Connection) -> list[tuple[str, float, float, float]]:
    """Return for each kind of page: its name; ms of the first page, of one in the middle, and of counting."""
    found = []
    for name, listed, sort, rows in cases(db):
        total = lists.count(db, listed)
        before = max(0, total // 2 - 1)
        middle = page(db, listed, sort, browse.Request((), 1, before)).next
        requests = [browse.Request((), LIMIT), browse.Request((), LIMIT, cursor=middle)]
        first, second = (milliseconds(partial(read, db, listed, sort, rows, request)) for request in requests)
        is_counted = sort == next(iter(listed.orders))
        counting = milliseconds(partial(lists.count, db, listed)) if is_counted else 0.0
        found.append((name, first, second, counting))
    return found


def scans(db: sqlite3.Connection) -> list[str]:
    """Return the steps of all queries for pages that read a table from beginning to end, without any index."""
    statements: set[str] = set()
    for _, listed, sort, rows in cases(db):
        db.set_trace_callback(statements.add)
        read(db, listed, sort, rows, browse.Request((), LIMIT))
        db.set_trace_callback(None)
    steps = {
        f"{row['detail']}: {sql[:200]}"
        for sql in statements if sql.lstrip().startswith(("SELECT", "WITH"))
        for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")
        if row["detail"].startswith("SCAN") and "INDEX" not in row["detail"] and "VIRTUAL" not in row["detail"]
    }  # fmt: skip
    allowed = ("SCAN CONSTANT", "SCAN g", "SCAN (", "SCAN formats", "SCAN sqlite_sequence")
    return sorted(step for step in steps if not step.startswith(allowed))


def main() -> None:
    """Make the library, measure, print, and write build/bench/browse.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tracks", type=int, default=100_000)
    options.add_argument("--folder", type=Path, help="for the database, which has 700 bytes a track")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        database = Database(Path(folder) / "library.db")
        database.migrate()
        with database.transaction() as db:
            make(db, chosen.tracks)
        db = database.reader()
        results = measure(db)
        full_scans = scans(db)
    report.table(
        f"Pages of {LIMIT} at {chosen.tracks} tracks, ms of the processor", ("", "first", "middle", "count"), results
    )
    wanted = WANTED_MS.get(chosen.tracks, 20.0)
    slow = [name for name, first, second, _ in results if max(first, second) > wanted]
    report.say(f"pages over {wanted:.0f} ms: {slow or 'none'}; full scans: {full_scans or 'none'}")
    report.save(
        "browse",
        {"tracks": chosen.tracks, "full_scans": full_scans,
         "kinds": {name: {"first_ms": f, "middle_ms": m, "count_ms": c} for name, f, m, c in results}},
    )  # fmt: skip


if __name__ == "__main__":
    main()
