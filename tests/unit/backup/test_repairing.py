"""Repairing: what can be made anew is, what can be read stays, and what is lost is told."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from soniquebay.backup import BackupError, repairing
from soniquebay.backup.copying import problems_of
from soniquebay.library.catalogue import rebuild
from soniquebay.library.database import Database
from soniquebay.library.search import index
from tests.support.rows import all_rows
from tests.unit.backup.machines import Machine, damage, pages_of, pages_with

SONGS = 250


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    machine = Machine(tmp_path_factory.mktemp("healthy"), songs=SONGS)
    machine.close()
    for name in ("library.db", "listeners.db"):
        compact(machine.data / name)
    return machine.data


@pytest.fixture
def data(healthy: Path, tmp_path: Path) -> Path:
    """Give a copy of the two files, which nobody has open."""
    for name in ("library.db", "listeners.db"):
        shutil.copyfile(healthy / name, tmp_path / name)
    return tmp_path


def compact(path: Path) -> None:
    """Have all rows in the file itself, and no free pages."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("VACUUM")
    pages_of(path)


# What the API makes anew after a repair.
MADE_ANEW = {"search_state", "catalogue_state"}


def lasting_rows(path: Path) -> dict[str, Any]:
    rows = all_rows(path)
    return {name: rows[name] for name in rows if name not in MADE_ANEW and not name.startswith("search_")}


def test_an_index_that_does_not_fit_its_table_is_made_anew(data: Path) -> None:
    path = data / "library.db"
    before = lasting_rows(path) | {"search_tracks": all_rows(path)["search_tracks"]}
    content = bytearray(path.read_bytes())
    place = content.index(b"ng ", 4096 * (pages_with(path, "tracks_sort_title")[-1] - 1))
    content[place : place + 3] = b"nX "
    path.write_bytes(content)
    assert problems_of(path)
    done = repairing.repair(path)
    assert problems_of(path) == []
    assert lasting_rows(path) | {"search_tracks": all_rows(path)["search_tracks"]} == before
    assert done.told == ["The indexes were made anew. No row is lost."]
    assert done.aside == data / "library.db.damaged"
    assert done.aside.read_bytes() == content


@pytest.mark.parametrize("name", ["tracks_sort_title", "search_tracks_idx", "search_tracks_data"])
def test_no_row_is_lost_with_an_index_that_cannot_be_read(data: Path, name: str) -> None:
    path = data / "library.db"
    before = lasting_rows(path)
    damage(path, pages_with(path, name)[-1])
    damaged = path.read_bytes()
    done = repairing.repair(path)
    assert (problems_of(path), lasting_rows(path)) == ([], before)
    assert "No row is lost" in done.told[0]
    assert done.aside.read_bytes() == damaged
    database = Database(path)
    database.migrate()
    with database.transaction() as db:
        rebuild.begin(db, frozenset())
        index.begin_rebuild(db)
    more = True
    while more:
        with database.transaction() as db:
            more = index.rebuild_step(db)
    found = database.reader().execute("SELECT count(*) FROM search_tracks WHERE search_tracks MATCH 'title: \"17\"'")
    assert found.fetchone()[0] == 1


def test_rows_that_can_be_read_are_kept_and_the_lost_ones_are_told(data: Path) -> None:
    path = data / "library.db"
    before = all_rows(path)["tracks"]
    damage(path, pages_with(path, "tracks")[3])
    done = repairing.repair(path)
    assert problems_of(path) == []
    after = {row[0]: row for row in all_rows(path)["tracks"]}
    lost = sorted(row[0] for row in before if row[0] not in after)
    assert 0 < len(lost) < 40, lost
    assert lost == list(range(lost[0], lost[-1] + 1))
    told = next(line for line in done.told if line.startswith("tracks:"))
    assert told == f"tracks: up to {len(lost)} rows in 1 places cannot be read, and are lost."
    kept = [row for row in before if row[0] in after]
    assert [after[row[0]] for row in kept] == kept
    # What referred to them is gone, too, and said.
    assert any(line.startswith("file_tags:") for line in done.told)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT version FROM search_state").fetchone() == (-1,)
        assert db.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'").fetchone()[0] >= 10


def test_listeners_keep_what_can_be_read_and_no_id_is_given_again(data: Path) -> None:
    path = data / "listeners.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(
            "INSERT INTO items (kind, added_at, title) VALUES ('track', 0, ?)", [("x" * 500,) for _ in range(200)]
        )
        db.execute("DELETE FROM items WHERE id > 150")
        db.execute("INSERT INTO plays SELECT 1, id, id, 'app' FROM items")
    compact(path)
    with closing(sqlite3.connect(path)) as db:
        (highest,) = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
    damage(path, pages_with(path, "items")[5])
    done = repairing.repair(path)
    assert problems_of(path) == []
    rows = all_rows(path)
    assert len(rows["users"]) == 2 and len(rows["stars"]) == 3 and len(rows["playlist_entries"]) == 3
    assert 100 < len(rows["items"]) < 150
    assert ("items", highest) in rows["sqlite_sequence"]
    assert any(line.startswith("plays:") and "are lost" in line for line in done.told)


def test_what_cannot_be_read_at_all_stays_and_a_backup_is_advised(data: Path) -> None:
    path = data / "library.db"
    damage(path, 1)
    damaged = path.read_bytes()
    with pytest.raises(BackupError, match=r"nothing of library.db can be read.*soniquebay library restore"):
        repairing.repair(path)
    assert path.read_bytes() == damaged
    assert sorted(p.name for p in data.iterdir() if p.name.startswith("library.db.")) == []


def test_each_damaged_file_is_kept(data: Path) -> None:
    path = data / "library.db"
    damage(path, pages_with(path, "tracks_sort_title")[-1])
    first = path.read_bytes()
    repairing.repair(path)
    damage(path, pages_with(path, "tracks_sort_title")[-1])
    second = path.read_bytes()
    repairing.repair(path)
    kept = [(data / f"library.db.damaged{n}").read_bytes() for n in ("", "-2")]
    assert kept == [first, second]
