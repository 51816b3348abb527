"""Ratings, play counts and stars of the tags are taken over where a user has none."""

from pathlib import Path

import pytest

from soniquebay import sqlite
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.listeners import items, marks, plays, ratings, reattach, stars, tag_marks
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.items import Kind
from soniquebay.listeners.marks import Marks
from soniquebay.listeners.tag_marks import Imported, import_marks, stars_of
from tests.unit.listeners.libraries import Kept
from tests.unit.songs import file

SONG = {"artist": "A", "album": "X"}


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    made = Kept(tmp_path)
    made.scan([
        file("/r/1", title="one", rating="80", play_count="12", **SONG),
        file("/r/2", title="two", rating="100", **SONG),
        file("/r/3", title="three", play_count="3", artist=["A", "B"], album="X"),
        file("/r/4", title="four", loved="1", **SONG),
        file("/r/5", title="five", rating="0", play_count="0", **SONG),
    ])  # fmt: skip
    return made


def of(kept: Kept, kind: Kind, user: str = "Ada") -> dict[str, Marks]:
    names = kept.ids(f"{kind}s", "name" if kind == "artist" else "title")
    found = marks.of_items(kept.listeners.reader(), kept.user(user), kind, list(names.values()))
    return {name: found[i] for name, i in names.items() if i in found}


def listed(kept: Kept, sort: marks.Sort) -> list[int]:
    return marks.page(kept.listeners.reader(), kept.user(), "track", sort, 10).ids


@pytest.mark.parametrize(
    ("per_cent", "expected"),
    [(None, None), ("0", None), ("", None), ("x", None), ("²", None), ("1", 1), ("10", 1), ("20", 1), ("29", 1),
     ("30", 2), ("50", 3), ("60", 3), ("90", 5), ("100", 5), ("999", 5)],
)  # fmt: skip
def test_stars(per_cent: str | None, expected: int | None) -> None:
    assert stars_of(per_cent) == expected


def test_what_the_tags_say_is_taken_over_once(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_marks, "TRACKS_PER_TRANSACTION", 2)
    assert import_marks(kept.listeners, kept.user(), 9.0) == Imported(2, 2, 1)
    assert of(kept, "track") == {
        "one": Marks(rating=4, play_count=12), "two": Marks(rating=5), "three": Marks(play_count=3),
        "four": Marks(starred_at=9),
    }  # fmt: skip
    assert of(kept, "album") == {"X": Marks(play_count=15)}
    assert of(kept, "artist") == {"A": Marks(play_count=15), "B": Marks(play_count=3)}
    assert import_marks(kept.listeners, kept.user(), 10.0) == Imported(0, 0, 0)
    assert of(kept, "album") == {"X": Marks(play_count=15)}
    assert of(kept, "track", "Bob") == {}


def test_what_a_user_has_stays(kept: Kept) -> None:
    one, four, three = kept.item("track", 1), kept.item("track", 4), plays.read_played(kept.listeners.reader(), 3)
    with kept.listeners.transaction() as db:
        ratings.rate(db, kept.user(), one, 1, 5.0)
        plays.record(db, kept.user(), three, 7.0, "")
        stars.add(db, kept.user(), [four], 6.0)
    assert import_marks(kept.listeners, kept.user(), 9.0) == Imported(1, 1, 0)
    assert of(kept, "track") == {
        "one": Marks(rating=1, play_count=12), "two": Marks(rating=5), "three": Marks(play_count=1, last_played_at=7),
        "four": Marks(starred_at=6),
    }  # fmt: skip
    assert of(kept, "album") == {"X": Marks(play_count=13, last_played_at=7)}


def test_plays_of_the_tags_have_no_time(kept: Kept) -> None:
    import_marks(kept.listeners, kept.user(), 9.0)
    assert (listed(kept, "most_played"), listed(kept, "played")) == ([1, 3], [])
    with kept.listeners.transaction() as db:
        plays.record(db, kept.user(), plays.read_played(kept.listeners.reader(), 1), 7.0, "")
    assert listed(kept, "played") == [1]
    assert of(kept, "track")["one"] == Marks(rating=4, play_count=13, last_played_at=7)


@pytest.mark.parametrize("heard", ["one", "three"])
def test_a_time_stays_when_two_tracks_become_one(kept: Kept, heard: str) -> None:
    import_marks(kept.listeners, kept.user(), 9.0)
    ids = kept.ids("tracks")
    with kept.listeners.transaction() as db:
        plays.record(db, kept.user(), plays.read_played(kept.listeners.reader(), ids[heard]), 7.0, "")
        reattach._merge(db, *(items.id_of(db, "track", ids[title]) or 0 for title in ("one", "three")))
    assert of(kept, "track")["three"] == Marks(rating=4, play_count=16, last_played_at=7)


def test_missing_tracks_and_wild_counts(kept: Kept) -> None:
    kept.scan([file("/r/6", title="six", play_count="9" * 12, artist="C")])
    with kept.library.transaction() as db:
        mark_missing(db, ["/r/1"])
    assert import_marks(kept.listeners, kept.user(), 9.0) == Imported(1, 2, 1)
    assert of(kept, "track")["six"].play_count == tag_marks.MAX_PLAY_COUNT


def test_plays_of_the_release_before_keep_their_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = sqlite.migrations("soniquebay.listeners")
    monkeypatch.setattr(sqlite, "migrations", lambda _: scripts[:4])
    database = ListenersDatabase(tmp_path / "listeners.db")
    database.migrate()
    with database.transaction() as db:
        db.execute("INSERT INTO users VALUES (1, 'Ada', 'ada', '', 'listen', 0, 0)")
        db.execute("INSERT INTO items (id, kind, added_at, title) VALUES (1, 'track', 0, 'x')")
        db.execute("INSERT INTO play_counts VALUES (1, 1, 'track', 4, 5.5)")
    monkeypatch.setattr(sqlite, "migrations", lambda _: scripts)
    database.migrate()
    [row] = database.reader().execute("SELECT play_count, last_played_at FROM play_counts").fetchall()
    assert tuple(row) == (4, 5.5)
