"""The numbers of tracks that the database keeps are those that counting gives, whatever happens."""

import random
from typing import Any

import pytest

from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import delete_tracks
from tests.unit.library.test_catalogue_follows_files import random_file, scan

PRESENT = "JOIN tracks t ON t.id = x.track_id AND t.missing_since IS NULL"
COUNTED = {
    "SELECT artist_id, role, track_count FROM artist_roles": "SELECT x.artist_id, x.role, count(DISTINCT x.track_id) "
    f"FROM track_artists x {PRESENT} GROUP BY 1, 2",
    "SELECT album_id, genre_id, track_count FROM album_genres": "SELECT t.album_id, x.genre_id, count(*) "
    f"FROM track_genres x {PRESENT} WHERE t.album_id IS NOT NULL GROUP BY 1, 2",
    "SELECT id, track_count, album_count FROM genres WHERE track_count > 0": "SELECT x.genre_id, count(*), "
    f"count(DISTINCT t.album_id) FROM track_genres x {PRESENT} GROUP BY 1",
    "SELECT genre_id, name, track_count FROM genre_spellings": "SELECT x.genre_id, x.name, count(t.id) "
    "FROM track_genres x LEFT JOIN tracks t ON t.id = x.track_id AND t.missing_since IS NULL GROUP BY 1, 2",
}


def check(db: Database) -> None:
    for kept, counted in COUNTED.items():
        found, wanted = (sorted(map(tuple, db.reader().execute(sql))) for sql in (kept, counted))
        assert found == wanted


@pytest.mark.parametrize("seed", range(12))
def test_numbers_follow_every_change(db: Database, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same in each run
    paths = [f"/{folder}/{number}" for folder in "ab" for number in range(8)]
    scan(db, [random_file(chance, path) for path in paths], size=chance.choice((1, 5, 16)))
    check(db)
    missing: set[str] = set()
    for _ in range(6):
        changed: list[Any] = [{**random_file(chance, path), "size": 2} for path in chance.sample(paths, 4)]
        missing -= {file["path"] for file in changed}
        gone = chance.sample(paths, 3)
        back = chance.sample(sorted(missing), len(missing) // 2)
        scan(db, changed, missing=gone, returned=back)
        missing = (missing | set(gone)) - set(back)
        check(db)
    with db.transaction() as connection:
        rows = connection.execute("SELECT id, path, album_id, missing_since FROM tracks WHERE id % 3 = 0").fetchall()
        delete_tracks(connection, rows)
    check(db)
