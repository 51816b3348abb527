"""What the search index costs, and how long a question takes, on generated rows: `make bench-search_rows`.

There are no files and no programs: the rows are written as a scan would write them, and `find` is called. All times are
of the processor.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench import names, report
from bench.search import queries
from soniquebay.library import search
from soniquebay.library.catalogue.names import normalised_name
from soniquebay.library.database import Database
from soniquebay.library.genres import genre_key
from soniquebay.library.search import index

ASKED = 50_000  # tracks whose words are asked for


def write_rows(database: Database, count: int) -> None:
    """Write so many tracks of `bench.names` into an empty library, without indexing them."""
    artists: dict[str, int] = {}
    albums: set[int] = set()
    genres = {genre: i for i, genre in enumerate(names.GENRES, start=1)}
    with database.transaction() as db:
        db.execute("INSERT INTO roots VALUES ('/srv/music')")
        rows = [(genre_id, name, genre_key(name)) for name, genre_id in genres.items()]
        db.executemany("INSERT INTO genres (id, name, normalised_name) VALUES (?, ?, ?)", rows)
        for i, track in enumerate(names.tracks(count), start=1):
            if track.artist not in artists:
                artists[track.artist] = len(artists) + 1
                row = (artists[track.artist], track.artist, normalised_name(track.artist))
                db.execute("INSERT INTO artists (id, name, normalised_name) VALUES (?, ?, ?)", row)
            artist, album = artists[track.artist], track.album_index + 1
            if album not in albums:
                albums.add(album)
                db.execute(
                    "INSERT INTO albums (id, title, normalised_title, artist_id, credit, year) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (album, track.album, normalised_name(track.album), artist, track.artist, track.year),
                )
                db.execute("INSERT INTO album_artists VALUES (?, 0, ?, ?)", (album, artist, track.artist))
            path = f"/srv/music/{track.artist}/{track.album}/{track.number:02} {track.title}.flac"
            db.execute(
                "INSERT INTO tracks (id, title, artist_id, credit, album_id, track_no, duration, format, added_at, "
                "path, size, mtime_ns) VALUES (?, ?, ?, ?, ?, ?, 1, 'FLAC', 1, ?, 1, 1)",
                (i, track.title, artist, track.artist, album, track.number, path),
            )
            db.execute(
                "INSERT INTO track_artists (track_id, position, role, artist_id, name) VALUES (?, 0, 'artist', ?, ?)",
                (i, artist, track.artist),
            )
            db.execute("INSERT INTO track_genres VALUES (?, ?, ?, 1, 0)", (i, genres[track.genre], track.genre))


def fill(database: Database) -> float:
    """Index all tracks, and return the seconds that it took."""
    began = time.thread_time()
    more = True
    with database.transaction() as db:
        index.begin_rebuild(db)
    while more:
        with database.transaction() as db:
            more = index.rebuild_step(db)
    return time.thread_time() - began


def ask(database: Database, asked: dict[str, list[str]], kind: search.Kind) -> Iterator[tuple[str, list[float]]]:
    """Yield the times, ms, of each kind of question."""
    for name, texts in asked.items():
        times = []
        for text in texts:
            began = time.thread_time()
            search.find(database.reader(), text[:200], 50, 0, kind)
            times.append(1000 * (time.thread_time() - began))
        yield f"{kind}s: {name}", times


def main() -> None:
    """Measure, print, and write build/bench/search-rows.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("rows", type=int, nargs="?", default=100_000)
    options.add_argument("--each", type=int, default=40, help="questions of a kind")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="soniquebay-bench-") as folder:
        database = Database(Path(folder) / "library.db")
        database.migrate()
        write_rows(database, chosen.rows)
        seconds = fill(database)
        (size,) = database.reader().execute("SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'search%'").fetchone()
        asked = queries(list(islice(names.tracks(chosen.rows), ASKED)), chosen.each)
        times = {name: found for kind in ("track", "album", "artist") for name, found in ask(database, asked, kind)}
    rows = [(name, len(t), statistics.median(t), max(t)) for name, t in times.items()]
    report.table(f"CPU time of a question at {chosen.rows} tracks", ("", "questions", "median ms", "max ms"), rows)
    report.say(f"indexing a track: {1e6 * seconds / chosen.rows:.1f} µs and {size / chosen.rows:.0f} bytes")
    kinds = {name: {"questions": n, "median_ms": median, "max_ms": top} for name, n, median, top in rows}
    result = {"rows": chosen.rows, "index_seconds": seconds, "index_bytes": size, "kinds": kinds}
    report.save("search-rows", result)


if __name__ == "__main__":
    main()
