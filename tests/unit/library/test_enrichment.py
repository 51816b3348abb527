"""Which lookups are due, how their results are stored, and which tracks get genres from MusicBrainz."""

from pathlib import Path
from typing import Any

import pytest

from soniquebay.library import enrichment, sessions
from soniquebay.library import genres as genre_store
from soniquebay.library.database import Database
from tests.unit.songs import file, insert

MBID, OTHER, GROUP = (f"{n * 8}-0000-4000-8000-000000000000" for n in "123")


def test_the_back_off_doubles_and_is_at_least_retry_after() -> None:
    assert [enrichment.backoff_seconds(n) for n in (1, 2, 3, 7, 8, 9, 500)] == [60, 120, 240, 3840, 7200, 7200, 7200]
    assert enrichment.backoff_seconds(1, 1800) == 1800
    assert enrichment.backoff_seconds(9, 5) == 7200
    assert enrichment.backoff_seconds(1, 10**9) == 86400


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "library.db")
    database.migrate()
    with database.transaction() as db:
        db.execute("INSERT INTO artists (name, normalised_name, mbid) VALUES ('A', 'a', ?)", (OTHER,))
        db.execute("INSERT INTO artists (name, normalised_name) VALUES ('Unknown Artist', 'unknown artist')")
        for title, artist, mbid in (("X", 1, MBID), ("Y", 1, None), ("Z", 2, None)):
            db.execute(
                "INSERT INTO albums (title, normalised_title, artist_id, credit, mbid) VALUES (?, lower(?), ?, 'A', ?)",
                (title, title, artist, mbid),
            )
        for album in (1, 1, 2, 3):
            add_track(db, album)
    return database


def add_track(db: Any, album: int) -> None:
    db.execute(
        "INSERT INTO tracks (title, artist_id, album_id, duration, format, added_at, path, size, mtime_ns) "
        "SELECT 't', artist_id, id, 1.0, 'FLAC', 0, '/' || (SELECT count(*) + 1 FROM tracks), 1, 1 "
        "FROM albums WHERE id = ?",
        (album,),
    )


def kinds(database: Database, service: enrichment.Service = "musicbrainz", now: float = 1e6) -> list[str]:
    return [lookup["kind"] for lookup in enrichment.due_lookups(database.reader(), service, now, 50)]


FACTS: enrichment.ReleaseFacts = {
    "name": "X", "group_mbid": GROUP, "type": "Album", "date": "1999", "label": None, "genres": ["Dub", "Ska"]
}  # fmt: skip
RELEASE: enrichment.Lookup = {"kind": "release", "mbid": MBID}


def test_lookups_are_due_until_they_have_a_result_and_again_when_it_expires(database: Database) -> None:
    now = 1e6
    assert kinds(database) == ["release", "search", "artist"]  # no search for an album of the unknown artist
    with database.transaction() as db:
        enrichment.store_facts(db, RELEASE, FACTS, now)
        enrichment.postpone(db, {"kind": "artist", "mbid": OTHER}, now + 50)
    assert kinds(database) == ["search"]
    assert kinds(database, now=now + 60) == ["search", "artist"]
    assert kinds(database, now=now + enrichment.FACTS_VALID_SECONDS + 1) == ["release", "search", "artist"]
    (lookup,) = enrichment.due_lookups(database.reader(), "musicbrainz", now, 50)
    with database.transaction() as db:
        session_id = sessions.start(db)
    assert kinds(database) == []  # a scan is running, so the number of tracks may change
    with database.transaction() as db:
        db.execute("UPDATE scan_sessions SET status = 'completed' WHERE id = ?", (session_id,))
        enrichment.store_search_result(db, lookup, None, now)
    assert kinds(database) == []
    assert kinds(database, now=now + enrichment.NOT_FOUND_VALID_SECONDS + 1) == ["search", "artist"]
    with database.transaction() as db:
        add_track(db, 2)
    assert kinds(database) == ["search"]  # another number of tracks is another lookup
    with database.transaction() as db:
        enrichment.store_search_result(db, {**lookup, "tracks": 2}, GROUP, now)
    assert [i["mbid"] for i in enrichment.due_lookups(database.reader(), "musicbrainz", now, 50)] == [GROUP]
    # Facts stay when a later lookup finds none.
    with database.transaction() as db:
        enrichment.store_facts(db, RELEASE, None, now + enrichment.FACTS_VALID_SECONDS + 5)
    assert database.reader().execute("SELECT label IS NULL, name FROM mb_releases").fetchone()[1] == "X"


def test_covers_are_due_once_files_are_checked_and_the_release_is_known(database: Database) -> None:
    def covers() -> list[Any]:
        return [
            (i["album_id"], i["mbid"], i["group_mbid"])
            for i in enrichment.due_lookups(database.reader(), "coverart", 1e6, 9)
        ]

    with database.transaction() as db:
        enrichment.store_facts(db, RELEASE, FACTS, 1e6)
    assert covers() == []
    with database.transaction() as db:
        db.execute("UPDATE albums SET cover_checked = 1")
    assert covers() == [(1, MBID, GROUP)]
    with database.transaction() as db:
        enrichment.postpone(db, {"kind": "cover", "mbid": MBID}, 2e6)
    assert covers() == []


def test_one_task_at_a_time_and_a_single_lookup_after_a_failure(database: Database) -> None:
    now = 1e6
    with database.transaction() as db:
        assert len(enrichment.next_lookups(db, "musicbrainz", now)) == 3
        enrichment.lease_lookups(db, "musicbrainz", now)
        assert enrichment.next_lookups(db, "musicbrainz", now + 1) == []
        assert len(enrichment.next_lookups(db, "musicbrainz", now + enrichment.LEASE_SECONDS)) == 3
        assert enrichment.mark_service_down(db, "musicbrainz", "gone", 0, now) == 1
        assert enrichment.next_lookups(db, "musicbrainz", now + 59) == []
        assert len(enrichment.next_lookups(db, "musicbrainz", now + 60)) == 1
        assert enrichment.mark_service_down(db, "musicbrainz", "gone", 0, now) == 2
        assert enrichment.next_lookups(db, "musicbrainz", now + 119) == []
        assert enrichment.mark_service_up(db, "musicbrainz")
        assert not enrichment.mark_service_up(db, "musicbrainz")
        assert len(enrichment.next_lookups(db, "musicbrainz", now)) == 3


def genres(database: Database) -> dict[int, list[str]]:
    rows = database.reader().execute(
        "SELECT t.id, g.name FROM tracks t LEFT JOIN track_genres tg ON tg.track_id = t.id "
        "LEFT JOIN genres g ON g.id = tg.genre_id ORDER BY t.id, g.name"
    )
    by_track: dict[int, list[str]] = {}
    for track, name in rows:
        by_track.setdefault(track, []).extend([name] if name else [])
    return by_track


def test_only_tracks_without_genre_tags_get_genres_from_musicbrainz(database: Database) -> None:
    with database.transaction() as db:
        genre_store.write(db, {2: ["Folk"]})
        facts: enrichment.ArtistFacts = {
            "name": "A", "sort_name": None, "type": None, "country": None, "genres": ["Pop"]}  # fmt: skip
        enrichment.store_facts(db, {"kind": "artist", "mbid": OTHER}, facts, 1e6)
    assert genres(database) == {1: ["Pop"], 2: ["Folk"], 3: ["Pop"], 4: []}
    with database.transaction() as db:
        enrichment.store_facts(db, RELEASE, FACTS, 1e6)
    tags_of_x = {"artist": "A", "mb_artist": OTHER, "album": "X", "mb_album": MBID}
    insert(database, file("/5", **tags_of_x))  # a new track of the album gets them at once
    insert(database, file("/6", **tags_of_x, genres=("Unknown",)))  # its genre tag names no genre
    assert genres(database) == {1: ["Dub", "Ska"], 2: ["Folk"], 3: ["Pop"], 4: [], 5: ["Dub", "Ska"], 6: ["Dub", "Ska"]}
    insert(database, file("/2", **tags_of_x), file("/1", **tags_of_x, genres=("Rock",)))  # retagged
    assert (genres(database)[1], genres(database)[2]) == (["Rock"], ["Dub", "Ska"])
