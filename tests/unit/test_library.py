"""The domain on a real SQLite file: identity, one-time inserts, sessions that always complete."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from soniquebay.library import covers, genres, ingest, progress, queries, removal, search, sessions, similarity
from soniquebay.library.database import Database, migrations, open_read_only
from soniquebay.library.identity import group, key, primary_artist, split_disc

ID_A, ID_B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


@pytest.fixture
def db(tmp_path: Path) -> Database:
    database = Database(tmp_path / "library.db")
    database.migrate()
    return database


def file(path: str, **tags: Any) -> Any:
    blank = dict.fromkeys(
        ("artist", "album", "album_artist", "track_no", "disc_no", "year", "mb_recording", "mb_album", "mb_artist",
         "mb_album_artist")
    )  # fmt: skip
    fixed = {
        "title": path,
        "has_title": True,
        "genres": (),
        "compilation": False,
        "duration": 1.0,
        "format": "FLAC",
        "has_picture": False,
    }
    return {"path": path, "size": 1, "mtime_ns": 1, "tags": {**blank, **fixed, **tags}}


def _running(connection: sqlite3.Connection) -> int | None:
    session = sessions.active_session(connection)
    return session["id"] if session else None


def insert(db: Database, *files: Any, failures: Any = (), batch_id: str | None = None) -> ingest.Ingested:
    batch_id = batch_id or f"batch-{[f['path'] for f in files]}-{sorted(str(f['tags']) for f in files)}"
    with db.transaction() as connection:
        session = _running(connection) or sessions.start(connection)
        stamps = [{k: f[k] for k in ("path", "size", "mtime_ns")} for f in files]
        sessions.register_batch(connection, session, batch_id, stamps)
        return ingest.apply_batch(connection, batch_id, group(files, failures))


def names(db: Database, table: str, column: str = "name") -> list[str]:
    return [row[0] for row in db.reader().execute(f"SELECT {column} FROM {table} ORDER BY id")]


@pytest.mark.parametrize(
    ("one", "other"),
    [("The Beatles", "beatles"), ("Beyoncé", "BEYONCE"), ("Beatles, The", "The Beatles"),
     ("Guns N’ Roses", "Guns N' Roses"),
     ("A  B", "a b"), ("Ⅳ", "iv"), ("Cafe\u0301", "Café")],
)  # fmt: skip
def test_spellings_of_one_name_share_a_key(one: str, other: str) -> None:
    assert key(one) == key(other)


def test_a_key_is_never_empty_and_names_stay_apart() -> None:
    assert key("The The") == "the"
    assert key("!!!") == "!!!"
    assert key("The") == "the"
    assert key("!!!") != key("???")


@pytest.mark.parametrize("name", ["A feat. B", "A ft. B", "A (featuring B)", "A [feat. B]"])
def test_an_album_belongs_to_the_host(name: str) -> None:
    assert primary_artist(name) == "A"


def test_names_that_only_look_like_guests_stay() -> None:
    assert primary_artist("Left Feather") == "Left Feather"
    assert primary_artist("feat. X") == "feat. X"


def test_an_artist_with_and_without_id_is_one(db: Database) -> None:
    insert(db, file("/1", artist="Sigur Ros"))
    insert(db, file("/2", artist="Sigur Rós", mb_artist=ID_A))
    insert(db, file("/3", artist="SIGUR ROS"))
    assert names(db, "artists") == ["Sigur Ros"]
    assert names(db, "artists", "mbid") == [ID_A]


def test_two_artists_of_one_name_and_two_ids_stay_two(db: Database) -> None:
    insert(db, file("/1", artist="Nirvana", mb_artist=ID_A), file("/2", artist="Nirvana", mb_artist=ID_B))
    assert names(db, "artists", "mbid") == [ID_A, ID_B]


def test_guests_are_credited_and_the_track_is_the_hosts(db: Database) -> None:
    insert(db, file("/1", artist="A"), file("/2", title="Duet", artist="A feat. B", mb_artist=ID_A))
    assert names(db, "artists") == ["A"]
    assert [t["artist"] for t in queries.tracks(db.reader(), 10, 0).items] == ["A", "A feat. B"]
    assert search.find(db.reader(), "duet b", 10, 0).ids == [2]


def test_a_compilation_nobody_tagged_as_one_is_still_one_album(db: Database) -> None:
    songs = [file(f"/mix/{i}", artist=f"Artist {i}", album="Mix", track_no=i) for i in (1, 2, 3)]
    insert(db, *songs)
    (album,) = queries.albums(db.reader(), 10, 0, None).items
    assert (album["artist"], album["tracks"]) == ("Various Artists", 3)


def test_two_albums_of_one_title_in_one_folder_stay_two(db: Database) -> None:
    songs = [file(f"/all/{a}{i}", artist=a, album="Greatest Hits", track_no=i) for a in "AB" for i in (1, 2)]
    insert(db, *songs)
    assert [a["artist"] for a in queries.albums(db.reader(), 10, 0, None).items] == ["A", "B"]


@pytest.mark.parametrize("titles", [("X (Disc 1)", "X (Disc 2)"), ("X [CD 1]", "X [CD2]"), ("X, Disk 1", "X - disc 2")])
def test_the_discs_of_an_album_are_one_album(db: Database, titles: tuple[str, str]) -> None:
    insert(db, *(file(f"/{title}", artist="A", album=title) for title in titles))
    assert names(db, "albums", "title") == ["X"]
    assert [t["disc_no"] for t in queries.tracks(db.reader(), 10, 0).items] == [1, 2]


def test_a_title_that_only_ends_like_a_disc_stays() -> None:
    assert split_disc("Disc 1") == ("Disc 1", None)
    assert split_disc("The Disco 3") == ("The Disco 3", None)


def test_tracks_of_one_album_meet_in_it_whatever_the_guests(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X"))
    insert(db, file("/2", artist="A feat. B", album="x"), file("/3", artist="A", album="X", mb_album=ID_A))
    assert names(db, "albums", "title") == ["X"]
    assert queries.tracks(db.reader(), 10, 0, album_id=1, artist_id=None).total == 3


def test_a_compilation_is_one_album_of_various_artists(db: Database) -> None:
    insert(
        db,
        file("/1", artist="A", album="Hits", compilation=True),
        file("/2", artist="B", album="Hits", compilation=True),
    )
    (album,) = queries.albums(db.reader(), 10, 0, None).items
    assert (album["artist"], album["tracks"]) == ("Various Artists", 2)


def test_two_releases_with_ids_stay_two(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X", mb_album=ID_A), file("/2", artist="A", album="X", mb_album=ID_B))
    assert names(db, "albums", "mbid") == [ID_A, ID_B]


def test_one_recording_in_two_files_is_two_tracks(db: Database) -> None:
    insert(db, file("/1", artist="A", mb_recording=ID_A), file("/2", artist="A", mb_recording=ID_A))
    assert queries.totals(db.reader())["tracks"] == 2


def test_a_batch_is_applied_once(db: Database) -> None:
    assert insert(db, file("/1"), batch_id="b").applied
    assert not insert(db, file("/1"), batch_id="b").applied
    assert queries.totals(db.reader())["tracks"] == 1


def test_an_unknown_batch_is_refused(db: Database) -> None:
    with pytest.raises(ingest.UnknownBatchError), db.transaction() as connection:
        ingest.apply_batch(connection, "never", group([]))


def test_a_batch_that_contradicts_itself_leaves_nothing(db: Database) -> None:
    entities = group([file("/1", artist="A")])
    entities["tracks"][0]["title"] = None  # type: ignore[typeddict-item]
    with db.transaction() as connection:
        session = sessions.start(connection)
        sessions.register_batch(connection, session, "b", [])
    with pytest.raises(sqlite3.IntegrityError), db.transaction() as connection:
        ingest.apply_batch(connection, "b", entities)
    assert names(db, "artists") == []


def test_a_changed_file_keeps_its_id_and_loses_what_no_longer_holds(db: Database) -> None:
    insert(db, file("/1", artist="Old", album="Gone", title="before"))
    with db.transaction() as connection:
        similarity.store(connection, 1, 1, None, "was broken")
    insert(db, file("/1", artist="New", title="after"))
    track = queries.track(db.reader(), 1)
    assert track is not None
    assert (track["title"], track["artist"], track["album"], track["vector_failure"]) == ("after", "New", None, None)
    assert names(db, "artists") == ["New"]
    assert names(db, "albums", "title") == []
    assert search.find(db.reader(), "before", 10, 0).total == 0


def test_a_changed_file_may_bring_a_cover(db: Database, tmp_path: Path) -> None:
    insert(db, file("/1", artist="A", album="B", title="before"))
    with db.transaction() as connection:
        covers.none_found(connection, 1)
    assert queries.without_cover(db.reader(), 10) == []
    insert(db, file("/1", artist="A", album="B", title="after"))
    assert [album["id"] for album in queries.without_cover(db.reader(), 10)] == [1]


def test_a_file_that_broke_is_a_failure_and_missing_until_it_is_mended(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X"))
    insert(db, failures=[{"path": "/1", "reason": "the file is empty", "bad_content": True}], batch_id="again")
    assert queries.totals(db.reader()) == {
        "tracks": 0, "missing": 1, "albums": 0, "artists": 0, "vectors": 0, "vector_failures": 0
    }  # fmt: skip
    assert queries.failures(db.reader(), 1, 10, 0).items == [
        {"path": "/1", "stage": "extract", "reason": "the file is empty"}
    ]
    insert(db, file("/1", artist="A", album="X"), batch_id="mended")
    assert [t["id"] for t in queries.tracks(db.reader(), 10, 0).items] == [1]


def test_a_file_out_of_reach_keeps_its_track(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X"))
    insert(db, failures=[{"path": "/1", "reason": "cannot be read: Input/output error"}], batch_id="again")
    assert queries.totals(db.reader())["tracks"] == 1
    assert queries.failures(db.reader(), 1, 10, 0).total == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([file("/1", artist="A")], [file("/1", artist="Z"), file("/2", artist="A")]),
        ([file("/1", artist="A", album="X")], [file("/1", artist="A", album="Y"), file("/2", artist="A", album="X")]),
        ([file("/1", artist="A"), file("/2", artist="B")], [file("/1", artist="B"), file("/2", artist="A")]),
    ],
)
def test_a_track_may_move_in_where_another_moved_out(db: Database, before: list[Any], after: list[Any]) -> None:
    insert(db, *before)
    insert(db, *after)
    wanted = {(f["path"], f["tags"]["artist"], f["tags"]["album"]) for f in after}
    found = queries.tracks(db.reader(), 10, 0, None, None).items
    assert {(t["path"], t["artist"], t["album"]) for t in found} == wanted


def test_an_id_is_never_given_out_again(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X"))
    with db.transaction() as connection:
        ingest.mark_missing(connection, ["/1"])
        assert removal.purge(connection, 2**40) == 1
    insert(db, file("/2", artist="A", album="X"))
    (track,) = queries.tracks(db.reader(), 10, 0, None, None).items
    assert (track["id"], track["album_id"], track["artist_id"]) == (2, 2, 2)


def test_what_a_track_still_waits_for_is_known(db: Database, tmp_path: Path) -> None:
    insert(db, file("/1", artist="A", album="X", genres=("rock",)))
    waiting = lambda: [  # noqa: E731
        len(fetch(db.reader(), 10)) for fetch in (queries.to_analyse, queries.without_cover, queries.without_genres)
    ]
    assert waiting() == [1, 1, 1]
    with db.transaction() as connection:
        similarity.store(connection, 1, similarity.VERSION, None, "no sound")
    assert waiting() == [0, 1, 1]
    with db.transaction() as connection:
        covers.none_found(connection, 1)
    assert waiting() == [0, 0, 1]
    with db.transaction() as connection:
        genres.store(connection, 1, ["Rock"])
    assert waiting() == [0, 0, 0]


def test_search_wants_every_word_and_takes_the_last_as_a_beginning(db: Database) -> None:
    insert(db, file("/1", title="Hoppípolla", artist="Sigur Rós", album="Takk"), file("/2", title="Takk", artist="B"))
    found = lambda text: search.find(db.reader(), text, 10, 0).ids  # noqa: E731
    assert found("hoppipolla sigur") == [1]
    assert sorted(found("tak")) == [1, 2]
    assert found("takk nobody") == []
    assert found('"* OR NEAR( -') == []
    assert found("t") == []
    assert found("  ") == []


def test_one_scan_at_a_time(db: Database) -> None:
    with db.transaction() as connection:
        first = sessions.start(connection)
    with pytest.raises(sessions.ScanRunningError) as refused, db.transaction() as connection:
        sessions.start(connection)
    assert refused.value.session_id == first
    with pytest.raises(sqlite3.IntegrityError), db.transaction() as connection:
        connection.execute("INSERT INTO scan_sessions (status, started_at, moved_at) VALUES ('running', 0, 0)")


def test_a_session_completes_with_its_last_batch_whatever_comes_last(db: Database) -> None:
    insert(db, file("/1"), batch_id="b")
    with db.transaction() as connection:
        sessions.register_batch(connection, 1, "c", [{"path": "/2", "size": 1, "mtime_ns": 1}])
        sessions.end_discovery(connection, 1, 5, [{"path": "/dark", "reason": "cannot be read: Permission denied"}])
    assert queries.session(db.reader(), 1)["status"] == "running"  # type: ignore[index]
    with db.transaction() as connection:
        assert sessions.abandon_batch(connection, "c", "extract", "poison") == 1
        assert sessions.abandon_batch(connection, "c", "extract", "poison") is None
    session = queries.session(db.reader(), 1)
    assert session is not None
    assert (session["status"], session["files"], session["failures"]) == ("completed", 7, 2)


def test_an_empty_scan_completes(db: Database) -> None:
    with db.transaction() as connection:
        sessions.end_discovery(connection, sessions.start(connection), 0, [])
    state = progress.snapshot(db.reader(), 1)
    assert state is not None
    assert (state["status"], state["phase"], state["percent"]) == ("completed", "done", 100.0)


def test_progress_counts_a_file_once_it_needs_nothing_more(db: Database) -> None:
    insert(db, file("/1"), file("/2"), file("/3"), failures=[{"path": "/4", "reason": "x"}], batch_id="b")
    with db.transaction() as connection:
        connection.execute("UPDATE batches SET file_count = 4")
        sessions.end_discovery(connection, 1, 0, [{"path": "/dark", "reason": "no"}])
        similarity.store(connection, 1, similarity.VERSION, None, "no sound")
    state = progress.snapshot(db.reader(), 1)
    assert state is not None
    assert (state["files"], state["finished"], state["vectors_waiting"], state["failures"]) == (4, 2, 2, 2)
    assert state["phase"] == "analysing"
    assert state["percent"] == pytest.approx(100 * (4 * 1 + 2 * 20) / (4 * 21), abs=0.1)


def test_a_forgotten_batch_is_sent_again_and_given_up_at_last(db: Database) -> None:
    insert(db, file("/1"), batch_id="done")
    with db.transaction() as connection:
        sessions.register_batch(connection, 1, "lost", [{"path": "/2", "size": 7, "mtime_ns": 9}])
        assert sessions.stale_batches(connection, 60) == []
        for _ in range(sessions.MAX_ATTEMPTS - 1):
            (batch,) = sessions.stale_batches(connection, -1)
            assert (batch.id, batch.files) == ("lost", [{"path": "/2", "size": 7, "mtime_ns": 9}])
            sessions.sent_again(connection, [batch.id])
        assert sessions.exhausted_batches(connection, -1) == ["lost"]


def test_a_batch_that_could_not_be_sent_was_not_tried(db: Database) -> None:
    with db.transaction() as connection:
        session_id = sessions.start(connection)
        sessions.register_batch(connection, session_id, "b", [{"path": "/1", "size": 7, "mtime_ns": 9}])
        for _ in range(sessions.MAX_ATTEMPTS + 1):
            sessions.not_sent(connection, "b")
            assert [batch.id for batch in sessions.stale_batches(connection, 60)] == ["b"]  # at once
            sessions.sent_again(connection, ["b"])
        assert sessions.exhausted_batches(connection, -1) == []


def test_a_discovery_that_starts_again_knows_what_is_handled(db: Database) -> None:
    insert(db, file("/done"), failures=[{"path": "/bad", "reason": "x"}], batch_id="b")
    with db.transaction() as connection:
        sessions.register_batch(connection, 1, "c", [{"path": "/waiting", "size": 1, "mtime_ns": 1}])
    assert queries.handled_in(db.reader(), 1) == {"/bad", "/waiting"}
    assert [(row[0], row[3]) for row in queries.known_files(db.reader(), "/")] == [("/done", 1)]


def test_neighbours_come_nearest_first_and_never_the_track_itself(db: Database) -> None:
    import numpy as np

    insert(db, *(file(f"/{i}") for i in range(4)))
    rows = np.random.default_rng(1).normal(size=(4, similarity.SIZE)).astype("<f4")
    rows[3] = rows[0] + 0.01
    index = similarity.VectorIndex(db.reader)
    with db.transaction() as connection:
        for i, row in enumerate(rows[:3], start=1):
            assert similarity.store(connection, i, similarity.VERSION, row.tobytes(), None)
    assert index.nearest(db.reader(), 4, 5) is None
    with db.transaction() as connection:
        similarity.store(connection, 4, similarity.VERSION, rows[3].tobytes(), None)
        assert not similarity.store(connection, 99, similarity.VERSION, rows[3].tobytes(), None)
        with pytest.raises(ValueError, match="float32"):
            similarity.store(connection, 1, similarity.VERSION, b"short", None)
    index.put(4, similarity.VERSION, rows[3].tobytes())
    nearest = index.nearest(db.reader(), 1, 5)
    assert nearest is not None
    assert next(i for i, _ in nearest) == 4
    assert len(nearest) == 3
    assert index.nearest(db.reader(), 1, 1) == nearest[:1]


def test_a_single_vector_has_no_neighbours(db: Database) -> None:
    insert(db, file("/1"))
    with db.transaction() as connection:
        similarity.store(connection, 1, similarity.VERSION, b"\0\0\x80?" * similarity.SIZE, None)
    assert similarity.VectorIndex(db.reader).nearest(db.reader(), 1, 10) == []


@pytest.mark.parametrize(
    ("raw", "clean"),
    [("rock; Pop", ["Rock", "Pop"]), ("R&B", ["R&B"]), ("Hip-Hop\x1fhip hop", ["Hip-Hop"]), ("Unknown", []), ("", []),
     ("Zeuhl/Krautrock", ["Zeuhl", "Krautrock"]), ("IDM", ["IDM"])],
)  # fmt: skip
def test_genres_are_cleaned_and_none_is_thrown_away(raw: str, clean: list[str]) -> None:
    assert genres.clean_genres(raw) == clean


def test_genres_and_covers_are_stored_beside_their_track(db: Database, tmp_path: Path) -> None:
    insert(db, file("/1", artist="A", album="X"))
    with db.transaction() as connection:
        genres.store(connection, 1, ["Folk", "Rock"])
        genres.store(connection, 1, ["Folk"])
        genres.store(connection, 99, ["Nothing"])
        assert covers.store(connection, tmp_path / "covers", 1, b"picture", "image/png")
        assert not covers.store(connection, tmp_path / "covers", 99, b"picture", "image/png")
    assert queries.track(db.reader(), 1)["genres"] == ["Folk"]  # type: ignore[index]
    for kind in ("album", "track", "artist"):
        found = covers.of(db.reader(), kind, 1)
        assert found == covers.Cover(covers.digest_of(b"picture"), "image/png")
    assert covers.path(tmp_path / "covers", found.digest).read_bytes() == b"picture"


def test_migrations_run_once_and_a_newer_schema_is_refused(db: Database, tmp_path: Path) -> None:
    db.migrate()
    with db.transaction() as connection:
        connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    with pytest.raises(RuntimeError, match="newer release"):
        Database(tmp_path / "library.db").migrate()


def test_a_read_only_connection_cannot_write(db: Database, tmp_path: Path) -> None:
    with open_read_only(tmp_path / "library.db") as connection:
        for reader in (connection, db.reader()):
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader.execute("DELETE FROM tracks")
