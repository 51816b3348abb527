"""Migrations: a library of an older release opens in this one without losing anything."""

import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from celery.signals import celeryd_after_setup

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.audio.reading import READER_VERSION
from soniquebay.audio.sound_tags import SOUND_TAGS_VERSION
from soniquebay.library import covers, duplicates, loudness, queries, search, sessions
from soniquebay.library.database import Database, migrations, open_read_only
from soniquebay.library.search import index
from soniquebay.library.similarity import map_places, sound_tags, vectors
from soniquebay.library.similarity.recordings import load_sounds
from soniquebay.settings import from_environment
from soniquebay.storage_faults import StorageFaultError
from soniquebay.worker import main


def test_a_library_of_schema_1_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    old = sqlite3.connect(path)
    old.executescript(migrations()[0])
    old.executescript("""
        INSERT INTO scan_sessions (id, status, started_at, moved_at)
            VALUES (1, 'completed', 1, 1), (2, 'running', 2, 2);
        INSERT INTO artists (id, name, key) VALUES (3, 'A', 'a');
        INSERT INTO albums (id, title, key, artist_id) VALUES (4, 'X', 'x', 3);
        INSERT INTO tracks (id, title, artist_id, album_id, duration, format, added_at)
            VALUES (5, 'One', 3, 4, 1.5, 'FLAC', 1), (9, 'Two', 3, 4, 1.5, 'FLAC', 1);
        DELETE FROM tracks WHERE id = 9;
        INSERT INTO files (path, size, mtime_ns, track_id, seen_in) VALUES ('/one', 10, 20, 5, 1);
        INSERT INTO vectors (track_id, version, failure) VALUES (5, 1, 'no sound');
        INSERT INTO batches (id, session_id, files, file_count, sent_at) VALUES ('b', 2, '[]', 0, 1);
        INSERT INTO failures (session_id, path, stage, reason, is_file) VALUES (1, '/bad', 'extract', 'x', 1);
        PRAGMA user_version = 1;
    """)
    old.close()
    database = Database(path)
    database.migrate()
    db = database.reader()
    track = queries.track(db, 5)
    assert track is not None
    assert (track["title"], track["path"], track["vector_failure"]) == ("One", "/one", "no sound")
    assert [tuple(row) for row in queries.known_files(db, "/")] == [("/one", -1, 20, 1, 0, 0)]  # the next scan reads it
    assert queries.unanalysed_tracks(db, 10) == []
    active = sessions.active_session(db)
    assert active is not None
    assert active["id"] == 2
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO tracks (title, artist_id, duration, format, added_at, path, size, mtime_ns) "
            "VALUES ('Three', 3, 1, 'MP3', 1, '/three', 1, 1)"
        )
    # Ids are never reused, not even after a migration.
    assert db.execute("SELECT max(id) FROM tracks").fetchone()[0] == 10
    assert db.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []


RELEASE = "11111111-0000-4000-8000-000000000000"

SCHEMA_5 = f"""
    INSERT INTO scan_sessions (id, status, started_at, finished_at, moved_at, scope, confirmed, withheld)
        VALUES (1, 'completed', 1, 2, 1.5, '["/music/a"]', 1, 7);
    INSERT INTO artists (id, name, key) VALUES (2, 'The Ä', 'a');
    INSERT INTO albums (id, title, key, artist_id, cover, cover_hash, cover_done)
        VALUES (3, 'Ü', 'u', 2, 'image/png', '{"c" * 64}', 1);
    INSERT INTO tracks (id, title, artist_id, album_id, duration, format, genre_raw, genres_done, added_at, path, size,
                        mtime_ns, identity, seen_in, away)
        VALUES (4, 'One', 2, 3, 1.5, 'FLAC', 'Folk', 1, 1, '/music/a/one', 10, 20, 30, 1, 1),
               (5, 'Two', 2, 3, 1.5, 'FLAC', '', 0, 1, '/music/a/two', 11, 21, 31, 1, 0);
    INSERT INTO genres (id, name) VALUES (7, 'Folk');
    INSERT INTO track_genres (track_id, genre_id) VALUES (4, 7);
    INSERT INTO vectors (track_id, version, data, bpm, key) VALUES (4, 1, x'00000000', 90.0, 'A minor');
    INSERT INTO mb_searches (artist_key, album_key, tracks, mbid, expires_at) VALUES ('a', 'u', 2, '{RELEASE}', 9);
    INSERT INTO mb_releases (mbid, name, genres, expires_at) VALUES ('{RELEASE}', 'Ü', '["Dub"]', 9);
    PRAGMA user_version = 5;
"""
# Table: columns under their new names, and the values that they had under the old ones.
RENAMED_COLUMNS: dict[str, dict[str, list[object]]] = {
    "scan_sessions": {
        "heartbeat_at": [1.5], "folders": ['["/music/a"]'], "removal_confirmed": [1], "protected": [7]
    },
    "artists": {"normalised_name": ["a"]},
    "albums": {
        "normalised_title": ["u"], "cover_media_type": ["image/png"], "cover_sha256": ["c" * 64], "cover_checked": [1]
    },
    "tracks": {"fingerprint": [30, 31], "read_session_id": [1, 1], "retry_later": [1, 0]},
    "vectors": {"musical_key": ["A minor"]},
    "mb_searches": {"normalised_artist": ["a"], "normalised_album": ["u"]},
}  # fmt: skip


def test_a_library_of_schema_5_has_every_value_under_its_new_name(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as old:
        for script in migrations()[:5]:
            old.executescript(script)
        old.executescript(SCHEMA_5)
    database = Database(path)
    database.migrate()
    db = database.reader()
    values = {
        table: {column: [row[0] for row in db.execute(f"SELECT {column} FROM {table}")] for column in columns}
        for table, columns in RENAMED_COLUMNS.items()
    }
    assert values == RENAMED_COLUMNS
    # The views and the remaining triggers refer to renamed columns.
    assert [tuple(row) for row in db.execute("SELECT album_id, mbid FROM album_releases")] == [(3, RELEASE)]
    online_genres = "SELECT track_id, name FROM track_online_genres ORDER BY track_id"
    assert [tuple(row) for row in db.execute(online_genres)] == [(4, "Dub"), (5, "Dub")]
    with database.transaction() as connection:
        connection.execute("UPDATE albums SET cover_sha256 = NULL")
        track_id = connection.execute(
            "INSERT INTO tracks (title, artist_id, album_id, duration, format, has_picture, added_at, path, size, "
            "mtime_ns) VALUES ('Three', 2, 3, 1, 'MP3', 1, 1, '/music/a/three', 1, 1)"
        ).lastrowid
        covers.request_for_new_tracks(connection, [track_id or 0])
    assert [row["id"] for row in queries.albums_with_unchecked_cover(db, 10)] == [3]
    track = queries.track(db, 4)
    assert track is not None
    assert track["genres"] == ["Folk"]
    assert (track["bpm"], track["musical_key"], track["has_vector"]) == (90.0, "A minor", True)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert [row[0] for row in db.execute("PRAGMA integrity_check")] == ["ok"]


def test_a_library_of_schema_7_gets_its_search_index_from_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as old:
        for script in migrations()[:7]:
            old.executescript(script)
        old.executescript("""
            INSERT INTO artists (id, name, normalised_name) VALUES (1, 'Røyken', 'røyken');
            INSERT INTO albums (id, title, normalised_title, artist_id) VALUES (1, 'X', 'x', 1);
            INSERT INTO tracks (id, title, artist_id, album_id, duration, format, added_at, path, size, mtime_ns)
                VALUES (1, 'One', 1, 1, 1, 'MP3', 1, '/one', 1, 1), (2, 'Two', 1, 1, 1, 'MP3', 1, '/two', 1, 1);
            INSERT INTO genres VALUES (7, 'Dub');
            INSERT INTO track_genres VALUES (2, 7);
            INSERT INTO search (rowid, title, artist, album) VALUES (1, 'One', 'Røyken', 'X');
            PRAGMA user_version = 7;
        """)
    database = Database(path)
    database.migrate()
    assert not search.is_complete(database.reader())
    with database.transaction() as db:
        index.begin_rebuild(db)
        assert (index.tracks_to_rebuild(db), search.is_complete(db)) == (2, False)
        assert index.rebuild_step(db)
        assert not index.rebuild_step(db)
    found = lambda query, kind="track": search.find(database.reader(), query, 10, 0, kind).ids  # noqa: E731
    assert (found("royken"), found("dub"), found("royken", "artist"), found("x", "album")) == ([1, 2], [2], [1], [1])
    assert found("dub", "genre") == [7]
    assert search.is_complete(database.reader())
    assert [row[0] for row in database.reader().execute("PRAGMA integrity_check")] == ["ok"]


def test_migrations_run_once_and_a_newer_schema_is_rejected(db: Database, tmp_path: Path) -> None:
    db.migrate()
    with db.transaction() as connection:
        connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    with pytest.raises(StorageFaultError, match="install the newer release"):
        Database(tmp_path / "library.db").migrate()


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A library of schema 4, with a track whose file was unavailable when it was to be analysed."""
    path = tmp_path / "older.db"
    with closing(sqlite3.connect(path)) as old:
        for script in migrations()[:4]:
            old.executescript(script)
        old.executescript("""
            INSERT INTO artists (id, name, key) VALUES (1, 'A', 'a');
            INSERT INTO tracks (id, title, artist_id, duration, format, added_at, path, size, mtime_ns)
                VALUES (1, 'One', 1, 1, 'MP3', 1, '/one', 1, 1), (2, 'Two', 1, 1, 'MP3', 1, '/two', 1, 1);
            INSERT INTO vectors (track_id, version, failure) VALUES
                (1, 1, 'cannot be decoded: No such file or directory'), (2, 1, 'cannot be decoded: it is damaged');
            PRAGMA user_version = 4;
        """)
    return path


def test_a_copy_of_the_library_is_kept_for_the_previous_release(older: Path) -> None:
    database = Database(older)
    database.migrate()
    with closing(sqlite3.connect(older.with_name("older.db.schema-4"))) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (4,)
        assert copy.execute("SELECT count(*) FROM vectors").fetchone() == (2,)
    assert sorted(file.name for file in older.parent.glob("older.db.schema*")) == ["older.db.schema-4"]
    Database(older).migrate()  # nothing to migrate, so no copy
    assert len(list(older.parent.glob("older.db.schema*"))) == 1


def test_without_a_copy_there_is_no_migration(older: Path) -> None:
    older.with_name("older.db.schema-4").mkdir()
    with pytest.raises(StorageFaultError, match="cannot be copied before its schema changes"):
        Database(older).migrate()
    with closing(sqlite3.connect(older)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (4,)
    assert list(older.parent.glob("*.partial")) == []


def test_a_file_that_was_unavailable_under_schema_4_is_analysed_again(older: Path) -> None:
    database = Database(older)
    database.migrate()
    assert [row["path"] for row in queries.unanalysed_tracks(database.reader(), 10)] == ["/one"]


def test_pictures_that_schema_6_did_not_know_are_searched(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as old:
        for script in migrations()[:6]:
            old.executescript(script)
        old.executescript(f"""
            INSERT INTO artists (id, name, normalised_name) VALUES (1, 'A', 'a');
            INSERT INTO albums (id, title, normalised_title, artist_id, cover_media_type, cover_sha256, cover_checked)
                VALUES (1, 'X', 'x', 1, 'image/png', '{"c" * 64}', 1), (2, 'Y', 'y', 1, NULL, NULL, 1);
            INSERT INTO tracks (id, title, artist_id, album_id, duration, format, added_at, path, size, mtime_ns)
                VALUES (1, '1', 1, 1, 1, 'MP3', 1, '/1', 1, 1), (2, '2', 1, 2, 1, 'MP3', 1, '/2', 1, 1),
                       (3, '3', 1, NULL, 1, 'MP3', 1, '/3', 1, 1);
            PRAGMA user_version = 6;
        """)
    database = Database(path)
    database.migrate()
    assert [row["id"] for row in queries.albums_with_unchecked_cover(database.reader(), 10)] == [2]
    assert [row["id"] for row in queries.tracks_with_unchecked_cover(database.reader(), 10)] == [3]
    with database.transaction() as db:
        covers.set_from_files(db, 1, None, {})  # nobody knows whether the files held it
    assert covers.find_cover(database.reader(), "album", 1) is not None


def test_tracks_of_schema_17_wait_to_be_measured_unless_their_tags_state_a_gain(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as old:
        for script in migrations()[:17]:
            old.executescript(script)
        old.executescript("INSERT INTO artists (id, name, normalised_name) VALUES (1, 'A', 'a');")
        said: list[dict[str, object]] = [
            {},
            {"replaygain_track_gain": "-6.50 dB"},
            {"r128_track_gain": ["-512"]},
            {"replaygain_track_gain": "n/a"},
            {"replaygain_album_gain": "-6.50 dB", "comment": '"replaygain_track_gain": "-3"'},
        ]
        for number, tags in enumerate(said, start=1):
            old.execute(
                "INSERT INTO tracks (id, title, artist_id, duration, format, added_at, path, size, mtime_ns) "
                "VALUES (?1, 'x', 1, 1, 'MP3', 1, ?1, 1, 1)",
                (number,),
            )
            old.execute("INSERT INTO file_tags (track_id, tags, sound) VALUES (?, ?, '{}')", (number, json.dumps(tags)))
        old.executescript("PRAGMA user_version = 17;")
    database = Database(path)
    database.migrate()
    waiting = [row["id"] for row in loudness.unmeasured_tracks(database.reader(), 10, "untagged")]
    assert waiting == [number for number, tags in enumerate(said, 1) if not loudness.states_gain(json.dumps(tags))]
    assert waiting == [1, 4, 5]


def test_a_read_only_connection_cannot_write(db: Database, tmp_path: Path) -> None:
    with open_read_only(tmp_path / "library.db") as connection:
        for reader in (connection, db.reader()):
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader.execute("DELETE FROM tracks")


def test_a_worker_waits_only_for_the_migration_of_an_existing_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "settings", lambda: from_environment({"SONIQUEBAY_DATA": str(tmp_path)}))
    celeryd_after_setup.send(sender="worker", instance=None, conf=None)  # there is no library to migrate
    library = Database(from_environment({"SONIQUEBAY_DATA": str(tmp_path)}).database)
    library.migrate()
    newest = len(migrations())
    with library.transaction() as db:
        db.execute(f"PRAGMA user_version = {newest - 1}")
    worker = threading.Thread(
        target=celeryd_after_setup.send, args=("worker",), kwargs={"instance": None, "conf": None}
    )
    worker.start()
    worker.join(1)
    assert worker.is_alive()
    with library.transaction() as db:
        db.execute(f"PRAGMA user_version = {newest}")
    worker.join(5)
    assert not worker.is_alive()


READER = """
import os, sys
from pathlib import Path
from soniquebay.library import database
known = database.migrations()
database.migrations = lambda: known  # another user may not be able to read the files
if os.getuid() == 0:
    os.setuid(65534)
print(database.awaits_migration(Path(sys.argv[1])))
"""


def test_a_worker_waits_for_the_api_to_open_a_cleanly_closed_library() -> None:
    """A reader without write permission needs the WAL index (``-shm``), which the last process to close it deletes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "library.db"

        def waits() -> bool:
            Path(folder).chmod(0o555)
            done = subprocess.run([sys.executable, "-c", READER, path], check=True, capture_output=True, text=True)
            Path(folder).chmod(0o755)
            return {"True\n": True, "False\n": False}[done.stdout]

        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA user_version = {len(migrations())}")
        path.chmod(0o644)
        assert waits()
        library = Database(path)
        library.migrate()
        assert not waits()


def test_a_library_of_schema_11_has_every_track_as_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as old:
        for script in migrations()[:11]:
            old.executescript(script)
        old.executescript("""
            INSERT INTO scan_sessions (id, status, started_at, finished_at, heartbeat_at)
                VALUES (1, 'completed', 1, 2, 1);
            INSERT INTO artists (id, name, normalised_name) VALUES (1, 'A', 'a');
            INSERT INTO albums (id, title, normalised_title, artist_id, credit, cover_checked)
                VALUES (2, 'X', 'x', 1, 'A', 1);
            INSERT INTO tracks (id, title, artist_id, credit, album_id, duration, format, added_at, path, size,
                                mtime_ns, read_session_id, reader_version, analysed)
                VALUES (3, 'Image', 1, 'A', 2, 9.5, 'FLAC', 1, '/a', 1, 1, 1, 1, 1),
                       (4, 'Song', 1, 'A', 2, 2.5, 'FLAC', 1, '/b', 1, 1, 1, 1, 0),
                       (9, 'Gone', 1, 'A', 2, 2.5, 'FLAC', 1, '/c', 1, 1, 1, 1, 0);
            INSERT INTO file_tags (track_id, tags, sound)
                VALUES (3, '{"cuesheet":"FILE x WAVE"}', '{}'), (4, '{}', '{}');
            INSERT INTO track_artists (track_id, position, role, artist_id, name) VALUES (4, 0, 'artist', 1, 'A');
            INSERT INTO artist_roles (artist_id, role, track_count) VALUES (1, 'artist', 1);
            DELETE FROM tracks WHERE id = 9;
            PRAGMA user_version = 11;
        """)
        names = "SELECT type, name FROM sqlite_master WHERE type IN ('index', 'trigger', 'view') ORDER BY name"
        before = {tuple(row) for row in old.execute(names)}
        old.execute("UPDATE tracks SET reader_version = ?", (READER_VERSION,))
        old.commit()
    database = Database(path)
    database.migrate()
    db = database.reader()
    after = {tuple(row) for row in db.execute(names)}
    assert before - after == set()
    assert {name for _, name in after - before} == {
        "tracks_parts", "tracks_superseded", "doubtful_texts", "tracks_to_measure", "loudness_stored",
        "loudness_removed", "duplicates_by_recording", "sound_tags_version", "analysis_leases_by_worker",
        "remote_vectors_by_worker", "changed_file_ends_lease", "sqlite_autoindex_remote_vectors_1",
        "vectors_end_lease", "tracks_missing_path",
        "spelling_added", "spelling_removed", "spelling_presence",
    }  # fmt: skip
    rows = db.execute("SELECT id, part, start_seconds, superseded, companion_stamp, stated_duration FROM tracks")
    assert [tuple(row) for row in rows] == [(3, 0, 0.0, 0, 0, 9.5), (4, 0, 0.0, 0, 0, 2.5)]
    # A file with a sheet within it is read again.
    assert [(row[0], row[1]) for row in queries.known_files(db, "/")] == [("/a", -1), ("/b", 1)]
    with database.transaction() as connection:
        connection.execute("UPDATE tracks SET missing_since = 5 WHERE id = 4")
        connection.execute("INSERT INTO vectors (track_id, version, failure) VALUES (4, 1, 'x')")
        connection.execute(
            "INSERT INTO tracks (title, artist_id, duration, format, added_at, path, size, mtime_ns, part) "
            "VALUES ('Part', 1, 1, 'FLAC', 1, '/a', 1, 1, 1)"
        )
    assert db.execute("SELECT count(*) FROM artist_roles").fetchone()[0] == 0
    assert [tuple(row) for row in db.execute("SELECT cover_checked FROM albums")] == [(0,)]
    assert [tuple(row) for row in db.execute("SELECT id, analysed FROM tracks ORDER BY id")] == [
        (3, 1),
        (4, 1),
        (10, 0),
    ]


def test_a_library_before_the_map_has_all_its_tracks_to_place(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as old:
        for script in migrations()[:14]:
            old.executescript(script)
        old.executescript("""
            INSERT INTO artists (id, name, normalised_name) VALUES (1, 'A', 'a');
            INSERT INTO tracks (id, title, artist_id, duration, format, added_at, path, size, mtime_ns)
                VALUES (5, 'One', 1, 1.5, 'FLAC', 1, '/one', 1, 1);
            PRAGMA user_version = 14;
        """)
        old.execute("INSERT INTO vectors (track_id, version, data) VALUES (5, ?, x'00')", (FEATURE_VERSION,))
        old.commit()
    database = Database(path)
    database.migrate()
    assert map_places.plan(database.reader()) == map_places.Plan(0, 1, 1, is_outdated=True)


def test_a_library_before_the_sound_tags_keeps_its_vectors(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as old:
        for script in migrations()[:17]:
            old.executescript(script)
        old.executescript("""
            INSERT INTO artists (id, name, normalised_name) VALUES (1, 'A', 'a');
            INSERT INTO tracks (id, title, artist_id, duration, format, added_at, path, size, mtime_ns)
                VALUES (5, 'One', 1, 1.5, 'FLAC', 1, '/one', 1, 1);
            INSERT INTO vectors (track_id, version, data) VALUES (5, 2, zeroblob(936));
            PRAGMA user_version = 17;
        """)
        old.commit()
    database = Database(path)
    database.migrate()
    assert sound_tags.probabilities(database.reader(), 5) is None
    assert vectors.compared_version(database.reader()) == 2
    with database.transaction() as db:
        assert vectors.mark_outdated_for_analysis(db) == 1
        sound_tags.store(db, 5, (SOUND_TAGS_VERSION, bytes(100)))
        db.execute("DELETE FROM tracks")
        assert db.execute("SELECT count(*) FROM sound_tags").fetchone()[0] == 0


def test_a_library_before_fingerprints_is_compared_and_has_no_duplicates_yet(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as old:
        for script in migrations()[:19]:
            old.executescript(script)
        old.executescript("""
            INSERT INTO artists (id, name, normalised_name) VALUES (1, 'A', 'a');
            INSERT INTO tracks (id, title, artist_id, duration, format, added_at, path, size, mtime_ns)
                VALUES (5, 'One', 1, 1.5, 'FLAC', 1, '/one', 1, 1);
            PRAGMA user_version = 19;
        """)
        old.execute("INSERT INTO vectors (track_id, version, data) VALUES (5, ?, x'00')", (FEATURE_VERSION,))
        old.commit()
    database = Database(path)
    database.migrate()
    db = database.reader()
    assert duplicates.is_to_compare(db)
    assert load_sounds(db).groups() == []
    assert duplicates.page(db, 10, 0, None, is_counted=True).total == 0


def test_a_library_before_the_leases_keeps_its_vectors_and_ends_a_lease_with_the_next(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as old:
        for script in migrations()[:20]:
            old.executescript(script)
        old.executescript("""
            INSERT INTO artists (id, name, normalised_name) VALUES (1, 'A', 'a');
            INSERT INTO tracks (id, title, artist_id, duration, format, added_at, path, size, mtime_ns)
                VALUES (1, 'T', 1, 1, 'X', 0, '/a', 1, 1), (2, 'U', 1, 1, 'X', 0, '/b', 1, 1);
            INSERT INTO vectors (track_id, version, data) VALUES (1, 2, x'00');
            PRAGMA user_version = 20;
        """)
        old.commit()
    database = Database(path)
    database.migrate()
    with database.transaction() as db:
        assert [row[0] for row in db.execute("SELECT track_id FROM vectors")] == [1]
        db.execute("INSERT INTO analysis_leases VALUES (1, 'laptop', 1), (2, 'laptop', 1)")
        db.execute("INSERT INTO vectors (track_id, version, data) VALUES (2, 2, x'00')")
        assert [row[0] for row in db.execute("SELECT track_id FROM analysis_leases")] == [1]
        db.execute("DELETE FROM tracks WHERE id = 1")
        assert db.execute("SELECT count(*) FROM analysis_leases").fetchone()[0] == 0


def test_a_library_before_remote_vectors_keeps_its_vectors_and_leases(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as old:
        for script in migrations()[:21]:
            old.executescript(script)
        old.executescript("""
            INSERT INTO artists (id, name, normalised_name) VALUES (1, 'A', 'a');
            INSERT INTO tracks (id, title, artist_id, duration, format, added_at, path, size, mtime_ns)
                VALUES (1, 'T', 1, 1, 'X', 0, '/a', 1, 1), (2, 'U', 1, 1, 'X', 0, '/b', 1, 1);
            INSERT INTO vectors (track_id, version, data) VALUES (1, 2, x'00');
            INSERT INTO analysis_leases VALUES (2, 'laptop', 1);
            PRAGMA user_version = 21;
        """)
        old.commit()
    database = Database(path)
    database.migrate()
    with database.transaction() as db:
        assert [row[0] for row in db.execute("SELECT track_id FROM vectors")] == [1]
        assert [row[0] for row in db.execute("SELECT track_id FROM analysis_leases")] == [2]
        db.execute("INSERT INTO remote_vectors (track_id, worker, is_sample) VALUES (1, 'laptop', 0)")
        db.execute("INSERT OR REPLACE INTO vectors (track_id, version, data) VALUES (1, 2, x'01')")
        assert db.execute("SELECT count(*) FROM remote_vectors").fetchone()[0] == 0
