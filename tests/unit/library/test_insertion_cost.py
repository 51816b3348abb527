"""What the insertion of a batch costs does not grow with the library: steps of SQLite's virtual machine are counted."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_missing
from tests.unit.songs import file, insert

STEPS = 100
SMALL, LARGE = 200, 3200  # tracks, each with an artist and an album of its own
MAX_GROWTH = 1.5  # the depth of an index, and of the search index's segments


def song(number: int, **tags: Any) -> Any:
    return file(f"/r/{number}.flac", title=f"Song {number}", artist=f"Artist {number}", album=f"Album {number}",
                genres=["Folk"], year=1990, **tags)  # fmt: skip


def with_tracks(folder: Path, tracks: int) -> Database:
    database = Database(folder / f"{tracks}.db")
    database.migrate()
    for start in range(0, tracks, 200):
        insert(database, *map(song, range(start, start + 200)))
    return database


def steps_of(database: Database, *files: Any) -> int:
    """Return how many steps the insertion of a batch takes."""
    calls = count()
    with database.transaction() as db:
        db.set_progress_handler(lambda: next(calls) and 0, STEPS)
    insert(database, *files)
    with database.transaction() as db:
        db.set_progress_handler(None, 0)
    return STEPS * next(calls)


@pytest.mark.parametrize("kind", ["new artists", "artists with ids", "an id for a known name", "guests", "files moved"])
def test_a_batch_costs_the_same_in_a_large_library(kind: str, tmp_path: Path) -> None:
    taken = []
    for tracks in (SMALL, LARGE):
        database = with_tracks(tmp_path, tracks)
        numbers = range(tracks, tracks + 40)
        ids = [f"aaaaaaaa-0000-4000-8000-{number:012}" for number in numbers]
        match kind:
            case "new artists":
                files = [song(number) for number in numbers]
            case "artists with ids":
                files = [song(n, musicbrainz_artistid=i) for n, i in zip(numbers, ids, strict=True)]
            case "an id for a known name":
                files = [
                    file(f"/r/{n}.flac", artist=f"Artist {n - tracks}", album=f"Other {n}", musicbrainz_artistid=i)
                    for n, i in zip(numbers, ids, strict=True)
                ]
            case "guests":
                files = [
                    file(f"/r/{n}.flac", artist=f"Artist {n - tracks} feat. Guest {n}", album="X") for n in numbers
                ]
            case _:
                with database.transaction() as db:
                    mark_missing(db, [f"/r/{n}.flac" for n in range(40)])
                files = [{**song(n), "path": f"/r/moved/{n}.flac"} for n in range(40)]
        taken.append(steps_of(database, *files))
    assert taken[1] < MAX_GROWTH * taken[0], taken
