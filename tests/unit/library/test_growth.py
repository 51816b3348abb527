"""What a new file or a vector costs does not grow with the library: steps of SQLite's virtual machine are counted."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import queries
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import delete_tracks, mark_missing, mark_returned
from soniquebay.library.similarity import map_places, nearest_neighbours, vectors
from tests.unit.songs import file, insert

STEPS = 100
SMALL, LARGE = 200, 3200  # tracks, each with an artist and an album of its own
MAX_GROWTH = 1.5  # the depth of an index, and of the search index's segments


def song(number: int, **tags: Any) -> Any:
    return file(f"/r/{number}.flac", title=f"Song {number}", artist=f"Artist {number}", album=f"Album {number}",
                genres=["Folk"], year=1990, **tags)  # fmt: skip


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Libraries of the two sizes, which no test changes."""
    folder = tmp_path_factory.mktemp("libraries")
    for tracks in (SMALL, LARGE):
        database = Database(folder / f"{tracks}.db")
        database.migrate()
        for start in range(0, tracks, 200):
            insert(database, *map(song, range(start, start + 200)))
    return {tracks: folder / f"{tracks}.db" for tracks in (SMALL, LARGE)}


@pytest.fixture
def copies(libraries: dict[int, Path], tmp_path: Path) -> dict[int, Database]:
    """Copies of them, by their size."""
    for tracks, library in libraries.items():
        with closing(sqlite3.connect(library)) as db:
            db.execute("VACUUM INTO ?", (str(tmp_path / f"{tracks}.db"),))
    return {tracks: Database(tmp_path / f"{tracks}.db") for tracks in libraries}


def steps_of(db: sqlite3.Connection, action: Callable[[], object]) -> int:
    """Return how many steps an action takes on a connection."""
    calls = count()
    db.set_progress_handler(lambda: next(calls) and 0, STEPS)
    action()
    db.set_progress_handler(None, 0)
    return STEPS * next(calls)


@pytest.mark.parametrize("kind", ["new artists", "artists with ids", "an id for a known name", "guests", "files moved"])
def test_a_batch_costs_the_same_in_a_large_library(kind: str, copies: dict[int, Database]) -> None:
    taken = []
    for tracks, database in copies.items():
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
        with database.transaction() as writer:
            pass
        taken.append(steps_of(writer, partial(insert, database, *files)))
    assert taken[1] < MAX_GROWTH * taken[0], taken


def test_each_vector_costs_the_same_in_a_large_index(
    copies: dict[int, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest_neighbours, "_CHUNK_ROWS", 20)
    monkeypatch.setattr(nearest_neighbours, "_MAX_SAMPLE_TRACKS", 100)
    taken = []
    for tracks, database in copies.items():
        with database.transaction() as db:
            for track_id in range(1, tracks + 1):
                data = np.random.default_rng(track_id).random(VECTOR_SIZE, np.float32).tobytes()
                vectors.store(db, track_id, FEATURE_VERSION, data, None)
        reader = database.reader()
        taken.append(steps_of(reader, partial(nearest_neighbours.load_index, reader)) / tracks)
    assert taken[1] < MAX_GROWTH * taken[0], taken


def test_the_state_of_the_map_looks_up_no_vector(copies: dict[int, Database]) -> None:
    database = copies[LARGE]
    with database.transaction() as db:
        for track_id in range(1, LARGE + 1):
            vectors.store(db, track_id, FEATURE_VERSION, bytes(4 * VECTOR_SIZE), None)
    reader = database.reader()
    assert steps_of(reader, partial(map_places.plan, reader)) < 10 * LARGE


@pytest.mark.parametrize("kind", ["missing", "returned", "a vector", "to analyse", "deleted"])
def test_what_is_done_to_a_track_costs_the_same_in_a_large_library(kind: str, copies: dict[int, Database]) -> None:
    taken = []
    paths = [f"/r/{n}.flac" for n in range(40)]
    for tracks, database in copies.items():
        with database.transaction() as db:
            if kind == "returned":
                mark_missing(db, paths)
            if kind == "a vector":
                for track_id in range(1, tracks):
                    vectors.store(db, track_id, FEATURE_VERSION, bytes(4 * VECTOR_SIZE), None)
            rows = db.execute("SELECT id, path, album_id, missing_since FROM tracks LIMIT 40").fetchall()
            actions: dict[str, Callable[[], object]] = {
                "missing": partial(mark_missing, db, paths),
                "returned": partial(mark_returned, db, paths),
                "a vector": partial(vectors.store, db, tracks, FEATURE_VERSION, bytes(4 * VECTOR_SIZE), None),
                "to analyse": partial(queries.unanalysed_tracks, db, 40),
                "deleted": partial(delete_tracks, db, rows),
            }
            taken.append(steps_of(db, actions[kind]))
    assert taken[1] < MAX_GROWTH * taken[0] + 10 * STEPS, taken
