"""Unseen files: moved, missing, or on an unplugged drive."""

from typing import Any

import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import covers, ingest, queries, reconcile, search, sessions
from soniquebay.library.catalogue import message
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_returned
from soniquebay.library.similarity import vectors
from tests.support import library_lists
from tests.unit.songs import file


def song(path: str, title: str | None, **more: Any) -> Any:
    return file(path, title=title, artist="A", album="X", **more)


def scan(
    db: Database,
    new: list[Any],
    unseen: dict[str, list[str]],
    files_by_root: dict[str, int],
    *,
    removal_confirmed: bool = False,
    late: bool = False,
) -> dict[str, Any]:
    """Simulate a session; `late`: its batch is inserted after discovery has ended."""
    with db.transaction() as connection:
        session = sessions.start(connection, removal_confirmed=removal_confirmed)
        stamps = [{k: f[k] for k in ("path", "size", "mtime_ns")} for f in new]
        sessions.register_batch(connection, session, str(session), stamps)
        reconcile.add_unseen(connection, session, unseen)
        if not late:
            ingest.apply_batch(connection, str(session), message.entities(new))
        reconcile.protect_empty_roots(connection, session, files_by_root)
        while reconcile.reconcile_unseen(connection, session, files_by_root):
            pass
        sessions.end_discovery(connection, session, 0, [])
        if late:
            ingest.apply_batch(connection, str(session), message.entities(new))
    result = queries.session(db.reader(), session)
    assert result is not None
    assert result["status"] == "completed"
    assert db.reader().execute("SELECT count(*) FROM unseen").fetchone()[0] == 0
    return result


def present(db: Database) -> dict[str, int]:
    return {t["path"]: t["id"] for t in library_lists.tracks(db.reader(), 100, 0).items}


def test_a_deleted_file_is_missing_and_returns_unchanged(db: Database) -> None:
    scan(db, [song("/r/1", "One"), song("/r/2", "Two")], {}, {"/r": 2})
    assert scan(db, [], {"/r": ["/r/1"]}, {"/r": 1})["missing"] == 1
    assert present(db) == {"/r/2": 2}
    assert search.find(db.reader(), "one", 10, 0).ids == []
    assert [t["id"] for t in library_lists.tracks(db.reader(), 10, 0, missing=True).items] == [1]
    with db.transaction() as connection:
        assert mark_returned(connection, ["/r/1", "/r/2"]) == 1
    assert present(db) == {"/r/1": 1, "/r/2": 2}
    assert search.find(db.reader(), "one", 10, 0).ids == [1]


@pytest.mark.parametrize("late", [False, True])
def test_a_moved_file_keeps_its_id_and_its_vector(db: Database, late: bool) -> None:
    scan(db, [song("/r/a/1", "One"), song("/r/a/2", "Two")], {}, {"/r": 2})
    with db.transaction() as connection:
        vectors.store(connection, 1, FEATURE_VERSION, b"\0\0\x80?" * VECTOR_SIZE, None)
    result = scan(db, [song("/r/b/1", "One")], {"/r": ["/r/a/1"]}, {"/r": 2}, late=late)
    assert result["moved"] == 1
    assert present(db) == {"/r/b/1": 1, "/r/a/2": 2}
    assert queries.track(db.reader(), 1)["has_vector"]  # type: ignore[index]
    assert [t["id"] for t in queries.unanalysed_tracks(db.reader(), 10)] == [2]
    assert search.find(db.reader(), "one", 10, 0).ids == [1]


def test_unavailable_files_are_retried_once_they_are_seen(db: Database) -> None:
    scan(db, [song("/r/a/1", "One"), song("/r/a/2", "Two"), song("/r/a/3", "Three")], {}, {"/r": 3})
    with db.transaction() as connection:
        for track in (1, 2, 3):
            vectors.store(connection, track, FEATURE_VERSION, None, "cannot be read", retry_later=track != 3)
        covers.mark_checked(connection, "album", 1, "/r/a/1")
    result = scan(db, [song("/r/b/1", "One")], {"/r": ["/r/a/1"]}, {"/r": 3})
    assert result["moved"] == 1
    known = {row[0]: row[4] for row in queries.known_files(db.reader(), "/r")}
    assert known == {"/r/a/2": 1, "/r/a/3": 0, "/r/b/1": 1}
    assert queries.unanalysed_tracks(db.reader(), 10) == []
    with db.transaction() as connection:
        assert mark_returned(connection, ["/r/b/1"]) == 0
    assert [row["id"] for row in queries.unanalysed_tracks(db.reader(), 10)] == [1]
    assert [row["id"] for row in queries.albums_with_unchecked_cover(db.reader(), 10)] == [1]


def test_identical_files_keep_their_ids_when_moved(db: Database) -> None:
    scan(db, [song("/r/a/1.mp3", "Same"), song("/r/a/2.mp3", "Same")], {}, {"/r": 2})
    scan(db, [], {"/r": ["/r/a/1.mp3", "/r/a/2.mp3"]}, {"/r": 1})
    scan(db, [song("/r/b/2.mp3", "Same"), song("/r/b/1.mp3", "Same")], {}, {"/r": 2})
    assert present(db) == {"/r/b/1.mp3": 1, "/r/b/2.mp3": 2}


def test_a_moved_and_retagged_file_is_recognised_by_its_recording(db: Database) -> None:
    recording = "aaaaaaaa-0000-4000-8000-00000000000a"
    scan(db, [song("/r/1", "Unknown", mb_recording=recording)], {}, {"/r": 1})
    scan(db, [], {"/r": ["/r/1"]}, {"/r": 1})
    scan(db, [song("/r/new", "Title", mb_recording=recording)], {}, {"/r": 1})
    assert present(db) == {"/r/new": 1}


def test_a_copied_file_is_a_new_track(db: Database) -> None:
    scan(db, [song("/r/1", "One")], {}, {"/r": 1})
    scan(db, [song("/r/copy", "One")], {}, {"/r": 2})
    assert present(db) == {"/r/1": 1, "/r/copy": 2}


def test_untitled_files_are_distinguished_by_their_modification_time(db: Database) -> None:
    old = {**song("/r/1", None), "mtime_ns": 7}
    scan(db, [old], {}, {"/r": 1})
    different = {**song("/r/2", None), "mtime_ns": 8}
    scan(db, [different], {"/r": ["/r/1"]}, {"/r": 1})
    assert present(db) == {"/r/2": 2}
    moved = {**song("/r/3", None), "mtime_ns": 7}
    scan(db, [moved], {}, {"/r": 2})
    assert present(db) == {"/r/2": 2, "/r/3": 1}


def test_an_empty_root_is_protected_until_the_removal_is_confirmed(db: Database) -> None:
    scan(db, [song("/a/1", "One"), song("/b/1", "Two"), song("/b/2", "Three")], {}, {"/a": 1, "/b": 2})
    result = scan(db, [], {"/a": ["/a/1"], "/b": ["/b/1"]}, {"/a": 0, "/b": 1})
    assert (result["missing"], result["protected"]) == (1, 1)
    assert present(db) == {"/a/1": 1, "/b/2": 3}
    assert reconcile.known_roots(db.reader()) == ["/a", "/b"]
    result = scan(db, [], {"/a": ["/a/1"]}, {"/a": 0, "/b": 1}, removal_confirmed=True)
    assert (result["missing"], result["protected"]) == (1, 0)
    assert present(db) == {"/b/2": 3}
    assert reconcile.known_roots(db.reader()) == ["/b"]


def test_a_library_moved_to_another_drive_keeps_its_ids(db: Database) -> None:
    scan(db, [song("/a/1", "One"), song("/a/2", "Two")], {}, {"/a": 2})
    result = scan(db, [song("/b/1", "One"), song("/b/2", "Two")], {"/a": ["/a/1", "/a/2"]}, {"/a": 0, "/b": 2})
    assert (result["moved"], result["protected"]) == (2, 0)
    assert present(db) == {"/b/1": 1, "/b/2": 2}


def test_a_purge_deletes_only_tracks_missing_for_long_enough(db: Database) -> None:
    scan(db, [song("/r/1", "One"), file("/r/2", artist="Z", album="Gone")], {}, {"/r": 2})
    scan(db, [], {"/r": ["/r/2"]}, {"/r": 1})
    with db.transaction() as connection:
        assert reconcile.purge(connection, 0) == 0
        assert reconcile.purge(connection, 2**40) == 1
        assert reconcile.purge(connection, 2**40) == 0
    assert present(db) == {"/r/1": 1}
    assert [a["name"] for a in library_lists.artists(db.reader(), 10, 0).items] == ["A"]
    assert db.reader().execute("SELECT count(*) FROM artists").fetchone()[0] == 1


@pytest.mark.parametrize(
    ("path", "root"), [("/a/b/x", "/a/b"), ("/a/bc/x", "/a"), ("/a", "/a"), ("/z", None), ("/a/b", "/a/b")]
)
def test_a_path_belongs_to_its_innermost_root(path: str, root: str | None) -> None:
    assert reconcile.innermost_root(path, ["/a", "/a/b"]) == root
