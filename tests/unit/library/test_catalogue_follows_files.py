"""The catalogue follows from the files that are there: in whatever order, batches and edits they came."""

import random
import zlib
from pathlib import Path
from typing import Any

import pytest

from soniquebay.library import ingest, sessions
from soniquebay.library.catalogue import message, rebuild
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_missing, mark_returned
from soniquebay.library.search import text
from tests.unit.songs import ID_A, ID_B, file

SEEDS = range(12)
NAMES = (
    "Ada", "Bo", "Ada & Bo", "Ada feat. Bo", "ada", "Cy, Dee & Eve", "Cy", "Ada with Cy", "The Dee", "dee", "Dée",
    "Cy / Ada", "Various Artists", "Bo South", "Bo South & Ada North", "Ada North", None,
)  # fmt: skip
IDS = (None, None, None, ID_A, ID_B, [ID_A, ID_B])
ALBUMS = ("X", "x", "Y", "X (Disc 1)", "X (Disc 2)", "Hits", None)


def random_file(chance: random.Random, path: str) -> Any:
    artist = chance.choice(NAMES)
    several = chance.random() < 0.1
    return file(
        path,
        duration=zlib.crc32(path.encode()) / 1000,  # no file is taken for another one that was moved
        title=chance.choice(("One", "Two", "Three", "Four")),
        artist=["Ada", "Cy"] if several else artist,
        album=chance.choice(ALBUMS),
        album_artist=chance.choice((None, None, artist, "Ada", "Various")),
        compilation=chance.random() < 0.05,
        track=chance.choice((1, 2, 3, 4, None)),
        disc=chance.choice((1, 2, None, None)),
        year=chance.choice((1994, 2001, None)),
        genres=chance.choice(
            ((), ("rock",), ("Rock",), ("ROCK", "Folk"), ("Folk", "Rock"), ("hip-hop",), ("Hip Hop",))
        ),
        mb_artist=chance.choice(IDS),
        mb_album=chance.choice((None, None, None, ID_A, ID_B)),
        composer=chance.choice((None, None, "Ada", "Cy & Bo")),
    )


def scan(db: Database, files: list[Any], missing: list[str] = (), returned: list[str] = (), size: int = 5) -> None:  # type: ignore[assignment]
    with db.transaction() as connection:
        session = sessions.start(connection)
    for number in range(0, len(files), size):
        batch = files[number : number + size]
        with db.transaction() as connection:
            stamps = [{k: f[k] for k in ("path", "size", "mtime_ns")} for f in batch]
            sessions.register_batch(connection, session, f"{session}-{number}", stamps)  # type: ignore[arg-type]
            ingest.apply_batch(connection, f"{session}-{number}", message.entities(batch))
    with db.transaction() as connection:
        mark_missing(connection, missing)
        mark_returned(connection, returned)
        sessions.end_discovery(connection, session, 0, [])


def catalogue(db: Database) -> dict[str, Any]:
    """Return the catalogue without its ids, and without what belongs to missing tracks only."""
    rows = db.reader().execute
    tracks = {}
    for t in rows(
        "SELECT t.id, t.path, t.credit, t.title, b.id AS album_id FROM tracks t "
        "LEFT JOIN albums b ON b.id = t.album_id WHERE t.missing_since IS NULL ORDER BY t.path"
    ):
        credits = rows(
            "SELECT c.role, c.position, c.name, a.name AS artist, a.normalised_name, a.mbid FROM track_artists c "
            "JOIN artists a ON a.id = c.artist_id WHERE c.track_id = ? ORDER BY c.position", (t["id"],)
        )  # fmt: skip
        genres = rows(
            "SELECT g.name FROM track_genres tg JOIN genres g ON g.id = tg.genre_id WHERE tg.track_id = ? "
            "ORDER BY tg.position",
            (t["id"],),
        )
        found = rows("SELECT title, artist, album, genre FROM search_tracks WHERE rowid = ?", (t["id"],)).fetchone()
        words = [sorted(text.split()) for text in found]
        tracks[t["path"]] = (
            t["title"], t["credit"], [tuple(c) for c in credits], [g["name"] for g in genres], words, t["album_id"]
        )  # fmt: skip
    albums = {}
    for b in rows("SELECT * FROM albums b WHERE id IN (SELECT album_id FROM tracks WHERE missing_since IS NULL)"):
        artists = rows(
            "SELECT c.name, a.name AS artist, a.mbid FROM album_artists c JOIN artists a ON a.id = c.artist_id "
            "WHERE c.album_id = ? ORDER BY c.position", (b["id"],)
        )  # fmt: skip
        paths = frozenset(path for path, track in tracks.items() if track[-1] == b["id"])
        albums[paths] = (
            b["title"], b["normalised_title"], b["credit"], b["year"], b["date"], b["mbid"], b["compilation"],
            [tuple(a) for a in artists],
        )  # fmt: skip
    for table, name in (("artists", "name"), ("albums", "title"), ("genres", "name")):
        for row in rows(
            f"SELECT b.{name} AS name, s.{name} AS words FROM {table} b LEFT JOIN search_{table} s ON s.rowid = b.id"
        ):
            assert row["words"] == " ".join(text.name_tokens(row["name"])), (table, row["name"])
    names = {tuple(row) for row in rows("SELECT normalised_name, mbid, files FROM artist_names")}
    return {"tracks": {path: track[:-1] for path, track in tracks.items()}, "albums": albums, "names": names}


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[Any]:
    """Return what differs, each with both values."""
    listed = [
        {(part, key): value for part in ("tracks", "albums") for key, value in c[part].items()} for c in (found, wanted)
    ]
    keys = [key for key in listed[0] | listed[1] if listed[0].get(key) != listed[1].get(key)]
    return [(key, listed[0].get(key), listed[1].get(key)) for key in keys] + sorted(found["names"] ^ wanted["names"])


def rebuild_some(db: Database) -> int:
    with db.transaction() as connection:
        return rebuild.go_on(connection)


def unused(db: Database) -> list[str]:
    """Return the names of what nothing refers to."""
    rows = db.reader().execute(
        "SELECT title FROM albums b WHERE NOT EXISTS (SELECT 1 FROM tracks t WHERE t.album_id = b.id) "
        "UNION ALL SELECT name FROM artists a WHERE NOT EXISTS (SELECT 1 FROM track_artists WHERE artist_id = a.id) "
        "AND NOT EXISTS (SELECT 1 FROM album_artists WHERE artist_id = a.id) "
        "UNION ALL SELECT name FROM genres g WHERE NOT EXISTS (SELECT 1 FROM track_genres WHERE genre_id = g.id)"
    )
    return [row[0] for row in rows]


def fresh(folder: Path, files: list[Any], chance: random.Random) -> dict[str, Any]:
    db = Database(folder / f"{chance.random()}.db")
    db.migrate()
    shuffled = list(files)
    chance.shuffle(shuffled)
    scan(db, shuffled, size=chance.choice((1, 3, 7, 100)))
    return catalogue(db)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_and_any_edits_end_in_the_catalogue_of_a_first_scan(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    folders = ("/m/a", "/m/a/CD1", "/m/a/CD2", "/m/b", "/m/X (Disc 2)")
    files = {path: random_file(chance, path) for i in range(14) if (path := f"{chance.choice(folders)}/{i}.mp3")}
    db = Database(tmp_path / "edited.db")
    db.migrate()
    scan(db, list(files.values()), size=chance.choice((1, 4, 100)))
    assert differences(catalogue(db), fresh(tmp_path, list(files.values()), chance)) == []
    away: dict[str, Any] = {}
    for step in range(8):
        changed = {path: random_file(chance, path) | {"size": step + 2} for path in chance.sample(sorted(files), k=2)}
        missing = [path for path in chance.sample(sorted(files), k=min(2, len(files))) if path not in changed]
        returned = [path for path in away if chance.random() < 0.4]
        new = {f"/m/new/{step}.mp3": random_file(chance, f"/m/new/{step}.mp3")}
        files |= changed | new | {path: away.pop(path) for path in returned}
        away |= {path: files.pop(path) for path in missing}
        scan(db, [*changed.values(), *new.values()], missing, returned, size=chance.choice((1, 100)))
        assert differences(catalogue(db), fresh(tmp_path, list(files.values()), chance)) == [], step
        assert unused(db) == []
    before = catalogue(db)
    with db.transaction() as connection:
        # As if other rules had made the catalogue.
        connection.execute("UPDATE catalogue_state SET rules_version = 0")
        connection.execute("UPDATE tracks SET title = 'old', normalised_album = 'old', date = NULL, credit = 'old'")
        connection.execute(
            "UPDATE albums SET title = 'old', normalised_title = 'old', credit = 'old', year = 1 "
            "WHERE id IN (SELECT album_id FROM tracks WHERE missing_since IS NULL)"
        )
        connection.execute("UPDATE track_artists SET name = 'old'")
        connection.execute("DELETE FROM track_genres")
        connection.execute("DELETE FROM joined_names")
        connection.execute("UPDATE artist_names SET files = files + 1")
        rebuild.begin(connection, frozenset())
    while rebuild_some(db):
        pass
    assert differences(catalogue(db), before) == []
    assert unused(db) == []
