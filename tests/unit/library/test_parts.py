"""Files that hold several tracks: each part is a track, with an id of its own that it keeps."""

from itertools import count
from typing import Any

import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import covers, enrichment, ingest, progress, queries, reconcile, search, sessions
from soniquebay.library.browsing import details
from soniquebay.library.catalogue import message
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_returned
from soniquebay.library.similarity import vectors
from tests.support import library_lists
from tests.unit.library.test_reconcile import scan
from tests.unit.songs import file, insert


def image(path: str, *titles: str, stamp: int = 7, seconds: float = 10.0, **more: Any) -> Any:
    """Return a file of so many parts as the extraction does; without titles it is one track."""
    whole = {**file(path, title="Whole", artist="A", album="X", duration=seconds * max(1, len(titles)), **more)}
    if stamp:
        whole |= {"companions": ["x.cue"], "companion_stamp": stamp}
    if titles:
        whole["parts"] = [
            {"start": seconds * index, "duration": seconds,
             "tags": {"title": title, "artist": "A", "album": "X", "track": str(index + 1)}}
            for index, title in enumerate(titles)
        ]  # fmt: skip
    return whole


_numbers = count()


def put(db: Database, *files: Any) -> None:
    assert insert(db, *files, batch_id=f"batch {next(_numbers)}").applied


def present(db: Database) -> dict[str, tuple[int, int, float]]:
    items = library_lists.tracks(db.reader(), 100, 0).items
    return {t["title"]: (t["id"], t["part"], t["start_seconds"]) for t in items}


def known(db: Database) -> list[tuple[Any, ...]]:
    return [(row[0], bool(row[4]), row[5]) for row in queries.known_files(db.reader(), "/r")]


def analyse(db: Database, *ids: int, **more: Any) -> None:
    with db.transaction() as connection:
        for track_id in ids:
            vectors.store(connection, track_id, FEATURE_VERSION, b"\0\0\x80?" * VECTOR_SIZE, None, **more)


def waiting(db: Database) -> list[tuple[int, float, float | None]]:
    return [(r["id"], r["start_seconds"], r["seconds"]) for r in queries.unanalysed_tracks(db.reader(), 10)]


def test_each_part_is_a_track_with_its_range_of_the_file(db: Database) -> None:
    put(db, image("/r/x.flac", "One", "Two", "Three"), file("/r/y.flac", title="Other"))
    assert present(db) == {"One": (1, 1, 0.0), "Two": (2, 2, 10.0), "Three": (3, 3, 20.0), "Other": (4, 0, 0.0)}
    assert known(db) == [("/r/x.flac", False, 7), ("/r/y.flac", False, 0)]
    # The last part ends with the file, whose length may be stated wrongly.
    assert waiting(db) == [(1, 0.0, 10.0), (2, 10.0, 10.0), (3, 20.0, None), (4, 0.0, None)]
    assert queries.to_analyse(db.reader(), 2) == {
        "id": 2, "path": "/r/x.flac", "part": 2, "start_seconds": 10.0, "seconds": 10.0
    }  # fmt: skip
    full = details.full_track(db.reader(), 2)
    assert full is not None
    assert (full["part"], full["start_seconds"], full["duration"], full["tags"]["track"]) == (2, 10.0, 10.0, "2")
    assert search.find(db.reader(), "two", 10, 0).ids == [2]


def test_a_batch_with_parts_is_applied_once(db: Database) -> None:
    for _ in range(2):
        insert(db, image("/r/x.flac", "One", "Two"), batch_id="b")
    assert [track_id for track_id, _, _ in present(db).values()] == [1, 2]


def test_a_corrected_title_keeps_ids_and_vectors(db: Database) -> None:
    put(db, image("/r/x.flac", "One", "Tow"))
    analyse(db, 1, 2)
    put(db, image("/r/x.flac", "One", "Two", stamp=8))
    assert present(db) == {"One": (1, 1, 0.0), "Two": (2, 2, 10.0)}
    assert waiting(db) == []
    assert known(db) == [("/r/x.flac", False, 8)]
    # An index that was moved is another sound, and so is another content of the file.
    put(db, image("/r/x.flac", "One", "Two", stamp=9, seconds=9.0))
    assert [track_id for track_id, _, _ in waiting(db)] == [1, 2]
    analyse(db, 1, 2)
    put(db, image("/r/x.flac", "One", "Two", stamp=9, seconds=9.0, mtime_ns=2))
    assert [track_id for track_id, _, _ in waiting(db)] == [1, 2]


def test_a_sheet_that_comes_and_goes_brings_every_id_back(db: Database) -> None:
    put(db, image("/r/x.flac", stamp=0))
    analyse(db, 1)
    put(db, image("/r/x.flac", "One", "Two", "Three"))
    assert present(db) == {"One": (2, 1, 0.0), "Two": (3, 2, 10.0), "Three": (4, 3, 20.0)}
    assert known(db) == [("/r/x.flac", False, 7)]
    assert search.find(db.reader(), "whole", 10, 0).total == 0
    names = db.reader().execute("SELECT normalised_name, files FROM artist_names").fetchall()
    assert [tuple(row) for row in names] == [("a", 3)]
    assert {album["id"] for album in library_lists.albums(db.reader(), 10, 0, None).items} == {1}
    assert library_lists.albums(db.reader(), 10, 0, None).items[0]["tracks"] == 3
    put(db, image("/r/x.flac", "One", "Two", stamp=8))
    assert set(present(db)) == {"One", "Two"}
    put(db, image("/r/x.flac", "One", "Two", "Three"))
    assert present(db)["Three"] == (4, 3, 20.0)
    put(db, image("/r/x.flac", stamp=0))
    assert present(db) == {"Whole": (1, 0, 0.0)}
    assert queries.track(db.reader(), 1)["has_vector"]  # type: ignore[index]
    assert known(db) == [("/r/x.flac", False, 0)]
    assert search.find(db.reader(), "whole", 10, 0).ids == [1]


def test_only_the_parts_that_a_file_had_last_return_with_it(db: Database) -> None:
    scan(db, [image("/r/x.flac", stamp=0)], {}, {"/r": 1})
    scan(db, [image("/r/x.flac", "One", "Two")], {}, {"/r": 1})
    assert scan(db, [], {"/r": ["/r/x.flac"]}, {"/r": 1})["missing"] == 2
    assert present(db) == {}
    assert known(db) == [("/r/x.flac", True, 7)]
    with db.transaction() as connection:
        assert mark_returned(connection, ["/r/x.flac"]) == 2
    assert set(present(db)) == {"One", "Two"}


@pytest.mark.parametrize("late", [False, True])
def test_the_parts_of_a_moved_file_keep_their_ids(db: Database, late: bool) -> None:
    scan(db, [image("/r/a/x.flac", stamp=0), file("/r/y.flac")], {}, {"/r": 2})
    scan(db, [image("/r/a/x.flac", "One", "Two", "Three")], {}, {"/r": 2})
    ids = present(db)
    analyse(db, *(track_id for track_id, _, _ in ids.values()))
    moved = image("/r/b/x.flac", "One", "Two", "Three", stamp=9)
    result = scan(db, [moved], {"/r": ["/r/a/x.flac"]}, {"/r": 2}, late=late)
    assert result["moved"] == 3
    assert present(db) == ids
    assert waiting(db) == []
    assert known(db) == [("/r/b/x.flac", False, 9), ("/r/y.flac", False, 0)]
    put(db, image("/r/b/x.flac", stamp=0))
    assert present(db)["Whole"] == (1, 0, 0.0)


@pytest.mark.parametrize("late", [False, True])
def test_a_part_that_has_not_moved_with_its_file_is_missing(db: Database, late: bool) -> None:
    scan(db, [image("/r/a/x.flac", "One", "Two", "Three")], {}, {"/r": 1})
    result = scan(db, [image("/r/b/x.flac", "One", "Two", "New")], {"/r": ["/r/a/x.flac"]}, {"/r": 1}, late=late)
    assert (result["moved"], result["missing"]) == (2, 1)
    assert {title: place[0] for title, place in present(db).items()} == {"One": 1, "Two": 2, "New": 4}


def move(db: Database, moved: Any, before: str) -> None:
    """Simulate a session that inserts the moved file before it notes that the old one is unseen."""
    with db.transaction() as connection:
        session = sessions.start(connection)
        sessions.register_batch(connection, session, str(session), [])
        ingest.apply_batch(connection, str(session), message.entities([moved]))
        reconcile.add_unseen(connection, session, {"/r": [before]})
        while reconcile.reconcile_unseen(connection, session, {"/r": 1}):
            pass
        sessions.end_discovery(connection, session, 0, [])
    assert db.reader().execute("SELECT count(*) FROM unseen").fetchone()[0] == 0


def test_parts_that_were_inserted_before_their_file_was_unseen_are_moved(db: Database) -> None:
    scan(db, [image("/r/a/x.flac", "One", "Two", "Three")], {}, {"/r": 1})
    ids = present(db)
    move(db, image("/r/b/x.flac", "One", "Two", stamp=9), "/r/a/x.flac")
    assert present(db) == {title: ids[title] for title in ("One", "Two")}
    assert known(db) == [("/r/b/x.flac", False, 9)]


def test_what_a_file_was_before_goes_with_its_parts(db: Database) -> None:
    scan(db, [image("/r/a/x.flac", stamp=0)], {}, {"/r": 1})
    scan(db, [image("/r/a/x.flac", "One", "Two")], {}, {"/r": 1})
    move(db, image("/r/b/x.flac", "One", "Two", stamp=9), "/r/a/x.flac")
    put(db, image("/r/b/x.flac", stamp=0))
    assert present(db) == {"Whole": (1, 0, 0.0)}


def test_a_file_that_is_moved_without_its_sheet_is_the_track_that_it_was_before(db: Database) -> None:
    scan(db, [image("/r/a/x.flac", stamp=0)], {}, {"/r": 1})
    scan(db, [image("/r/a/x.flac", "One", "Two")], {}, {"/r": 1})
    move(db, image("/r/b/x.flac", stamp=0), "/r/a/x.flac")
    assert present(db) == {"Whole": (1, 0, 0.0)}
    assert known(db) == [("/r/a/x.flac", True, 7), ("/r/b/x.flac", False, 0)]


def test_a_copy_without_its_sheet_is_a_new_track(db: Database) -> None:
    scan(db, [image("/r/x.flac", stamp=0)], {}, {"/r": 1})
    scan(db, [image("/r/x.flac", "One", "Two")], {}, {"/r": 1})
    scan(db, [image("/r/copy.flac", stamp=0)], {}, {"/r": 2})
    assert present(db)["Whole"][0] == 4
    scan(db, [image("/r/x.flac", stamp=0)], {}, {"/r": 2})
    assert {t["id"] for t in library_lists.tracks(db.reader(), 9, 0).items} == {1, 4}


def test_a_part_that_was_unavailable_is_retried_with_its_file(db: Database) -> None:
    put(db, image("/r/x.flac", "One", "Two", "Three"))
    with db.transaction() as connection:
        vectors.store(connection, 3, FEATURE_VERSION, None, "cannot be read", retry_later=True)
    assert known(db) == [("/r/x.flac", True, 7)]
    with db.transaction() as connection:
        mark_returned(connection, ["/r/x.flac"])
    assert known(db) == [("/r/x.flac", False, 7)]
    assert [track_id for track_id, _, _ in waiting(db)] == [1, 2, 3]


def test_each_file_is_searched_once_for_pictures(db: Database) -> None:
    put(db, image("/r/x.flac", "One", "Two", has_picture=True))
    found = queries.album_files(db.reader(), 1, 10)
    assert found is not None
    assert (found.pictured, found.discs) == (["/r/x.flac"], {None: ["/r/x.flac"]})
    with db.transaction() as connection:
        covers.set_picture_keys(connection, 1, {"/r/x.flac": 5})
        covers.set_from_files(connection, 1, None, {})
        assert queries.tracks_with_unchecked_cover(connection, 10) == []


def test_a_superseded_track_does_not_count_for_the_release_of_its_album(db: Database) -> None:
    put(db, image("/r/x.flac", stamp=0))
    put(db, image("/r/x.flac", "One", "Two"))
    with db.transaction() as connection:
        connection.execute("UPDATE scan_sessions SET status = 'completed'")
        (lookup,) = enrichment.due_lookups(connection, "musicbrainz", 1.0, 10)
        assert (lookup["kind"], lookup["tracks"]) == ("search", 2)
        enrichment.store_search_result(connection, lookup, "11111111-0000-4000-8000-000000000000", 1.0)
    assert db.reader().execute("SELECT mbid FROM album_releases").fetchone()[0]


def test_a_purge_leaves_the_parts_that_are_there(db: Database) -> None:
    put(db, image("/r/x.flac", stamp=0))
    put(db, image("/r/x.flac", "One", "Two"))
    with db.transaction() as connection:
        assert reconcile.purge(connection, 2**40) == 1
    assert set(present(db)) == {"One", "Two"}
    assert queries.totals(db.reader())["missing"] == 0


def test_progress_counts_the_analysis_of_parts(db: Database) -> None:
    put(db, image("/r/x.flac", "1", "2", "3", "4"), file("/r/y.flac"))
    with db.transaction() as connection:
        sessions.end_discovery(connection, 1, 0, [])
    percents = []
    for track_id in range(1, 6):
        snapshot = progress.snapshot(db.reader(), 1)
        assert snapshot is not None
        percents.append(snapshot["percent"])
        analyse(db, track_id)
    assert percents == [4.8, 23.8, 42.9, 61.9, 81.0]
    done = progress.snapshot(db.reader(), 1)
    assert done is not None
    assert (done["percent"], done["finished"], done["files"]) == (100.0, 2, 2)


def test_what_is_wrong_with_a_sheet_is_told_and_fails_no_file(db: Database) -> None:
    wrong = file("/r/x.flac") | {
        "remarks": [
            {"path": "/r/x.cue", "reason": "is not used: it is not text", "is_companion": True},
            {"path": "/r/z.cue", "reason": "cue sheet of files that are not there", "is_left_out": True},
        ]
    }
    with db.transaction() as connection:
        session = sessions.start(connection)
        stamp: Any = {"path": "/r/x.flac", "size": 1, "mtime_ns": 1, "companions": ["x.cue"], "companion_stamp": 7}
        sessions.register_batch(connection, session, "b", [stamp])
        assert sessions.batches_to_resend(connection, -1)[0].files == [stamp]
        ingest.apply_batch(connection, "b", message.entities([wrong]))
        told: Any = {"reason": "format is not read: MIDI", "files": 1, "folders": 0, "example": "/r/1.mid"}
        for _ in range(2):  # a request may be repeated
            sessions.end_discovery(connection, session, 0, [], [told])
    scan_session = queries.session(db.reader(), 1)
    assert scan_session is not None
    assert [(told["example"], told["files"]) for told in scan_session["left_out"]] == [("/r/z.cue", 1), ("/r/1.mid", 1)]
    assert queries.failures(db.reader(), 1, 10, 0).items == [
        {"path": "/r/x.cue", "stage": "extract", "reason": "is not used: it is not text"}
    ]
    snapshot = progress.snapshot(db.reader(), 1)
    assert snapshot is not None
    assert (snapshot["inserted"], snapshot["finished"]) == (1, 0)
