"""Inserting a batch: once, as a whole, and without changing the ids of known tracks."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from soniquebay.api.internal import internal_app
from soniquebay.api.server import make_services
from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import covers, ingest, queries, reconcile, search, sessions
from soniquebay.library.browsing import details
from soniquebay.library.catalogue import message
from soniquebay.library.database import Database
from soniquebay.library.entities import ENTITIES_SCHEMA, Entities
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.library.similarity import vectors
from soniquebay.settings import from_environment
from tests.support import library_lists
from tests.unit.songs import file, insert, names


def test_a_batch_is_applied_once(db: Database) -> None:
    assert insert(db, file("/1"), batch_id="b").applied
    assert not insert(db, file("/1"), batch_id="b").applied
    assert queries.totals(db.reader())["tracks"] == 1


@pytest.fixture
def post(db: Database) -> Callable[[str, Any], dict[str, Any]]:
    """Send requests to the internal API of the library `db`; there is no Redis."""
    app = internal_app(
        make_services(from_environment({"SONIQUEBAY_LOGIN": "off", "SONIQUEBAY_DATA": str(db.path.parent)}))
    )

    async def send(path: str, body: Any) -> dict[str, Any]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            response = await client.post(path, json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    return lambda path, body: asyncio.run(send(path, body))


@pytest.mark.parametrize("schema", [None, 0, ENTITIES_SCHEMA + 1])
def test_a_batch_queued_by_another_release_is_extracted_again(
    db: Database, post: Callable[[str, Any], Any], schema: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, ingest.__name__)
    entities = message.entities([file("/1", artist="A", album="X")])
    old = {"artists": [{"name": "A", "key": "a", "mbid": None}], "albums": [], "tracks": [], "failures": []}
    if schema is not None:
        old["schema"] = schema  # type: ignore[assignment]
    with db.transaction() as connection:
        session = sessions.start(connection)
        sessions.register_batch(connection, session, "b", [{"path": "/1", "size": 1, "mtime_ns": 1}])
        for _ in range(sessions.MAX_ATTEMPTS - 1):
            sessions.mark_batches_sent(connection, ["b"])
    assert post("/internal/batches/b", old)["applied"] is False
    assert len(caplog.records) == 1
    with db.transaction() as connection:
        assert queries.failures(connection, session, 10, 0).total == 0
        # It is sent again at once and as the same attempt, even if that is the last one.
        assert sessions.batches_out_of_attempts(connection, -1) == []
        assert [batch.id for batch in sessions.batches_to_resend(connection, 60)] == ["b"]
        sessions.mark_batches_sent(connection, ["b"])
        assert connection.execute("SELECT attempts FROM batches").fetchone()[0] == sessions.MAX_ATTEMPTS
        assert sessions.batches_out_of_attempts(connection, -1) == ["b"]
    assert post("/internal/batches/b", entities)["applied"] is True
    # Once the batch is done, an old message changes nothing.
    assert post("/internal/batches/b", old)["applied"] is False
    with db.transaction() as connection:
        assert sessions.batches_to_resend(connection, -1) == []
        assert connection.execute("SELECT sent_at > 0 FROM batches").fetchone()[0] == 1
    assert names(db, "artists") == ["A"]


@pytest.mark.parametrize("entities", [message.entities([]), {}], ids=["of this release", "of another release"])
def test_an_unknown_batch_is_refused(db: Database, entities: Entities) -> None:
    with pytest.raises(ingest.UnknownBatchError), db.transaction() as connection:
        ingest.apply_batch(connection, "unknown", entities)


def test_an_inconsistent_batch_inserts_nothing(db: Database) -> None:
    entities = message.entities([file("/1", artist="A")])
    entities["tracks"][0]["duration"] = None  # type: ignore[typeddict-item]
    with db.transaction() as connection:
        session = sessions.start(connection)
        sessions.register_batch(connection, session, "b", [])
    with pytest.raises(sqlite3.IntegrityError), db.transaction() as connection:
        ingest.apply_batch(connection, "b", entities)
    assert names(db, "artists") == []


def test_a_changed_file_keeps_its_id_and_loses_outdated_values(db: Database) -> None:
    insert(db, file("/1", artist="Old", album="Gone", title="before"))
    with db.transaction() as connection:
        vectors.store(connection, 1, 1, None, "was broken")
    insert(db, file("/1", artist="New", title="after", mtime_ns=2))
    track = queries.track(db.reader(), 1)
    assert track is not None
    assert (track["title"], track["artist"], track["album"], track["vector_failure"]) == ("after", "New", None, None)
    assert names(db, "artists") == ["New"]
    assert names(db, "albums", "title") == []
    assert search.find(db.reader(), "before", 10, 0).total == 0


@pytest.mark.parametrize(("size", "mtime_ns", "is_analysed_again"), [(1, 1, False), (2, 1, True), (1, 2, True)])
def test_a_file_that_is_read_again_is_analysed_again_only_if_its_stamp_has_changed(
    db: Database, size: int, mtime_ns: int, is_analysed_again: bool
) -> None:
    insert(db, file("/1", title="before"), file("/2"), batch_id="first")
    with db.transaction() as connection:
        connection.execute("UPDATE tracks SET added_at = 5")
        vectors.store(connection, 1, FEATURE_VERSION, b"\0" * 4 * VECTOR_SIZE, None)
        vectors.store(connection, 2, FEATURE_VERSION, None, "no sound")
    again = {"size": size, "mtime_ns": mtime_ns}
    insert(db, {**file("/1", title="after"), **again}, {**file("/2"), **again}, batch_id="second")
    rows = db.reader().execute("SELECT id, title, added_at, analysed FROM tracks ORDER BY id").fetchall()
    assert [tuple(row) for row in rows] == [
        (1, "after", 5.0, int(not is_analysed_again)), (2, "/2", 5.0, int(not is_analysed_again))
    ]  # fmt: skip
    failed = queries.track(db.reader(), 2)
    assert failed is not None
    assert failed["vector_failure"] == (None if is_analysed_again else "no sound")


def test_the_cover_is_checked_again_after_a_file_has_come(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X"))
    with db.transaction() as connection:
        covers.set_from_files(connection, 1, None, {})
    insert(db, file("/2", artist="A", album="X"), file("/3", artist="A"))
    assert [album["id"] for album in queries.albums_with_unchecked_cover(db.reader(), 10)] == [1]
    assert [row[0] for row in db.reader().execute("SELECT track_id FROM track_covers")] == [3]  # it has no album


def test_a_length_that_was_measured_stays_until_the_file_changes(db: Database) -> None:
    def measure(length: float) -> float:
        with db.transaction() as connection:
            vectors.store(connection, 1, FEATURE_VERSION, b"\0" * 4 * VECTOR_SIZE, None, length=length)
        return duration()

    def duration() -> float:
        return float(db.reader().execute("SELECT duration FROM tracks").fetchone()[0])

    insert(db, file("/1", duration=200.0), batch_id="1")
    assert measure(200.4) == 200.0
    assert measure(100.25) == 100.25
    assert measure(100.3) == 100.25
    insert(db, file("/1", duration=200.0, genre="read again"), batch_id="2")
    assert duration() == 100.25
    insert(db, file("/1", duration=150.0), batch_id="3")  # by a reader that knows better
    assert duration() == 150.0
    assert measure(100.0) == 100.0
    insert(db, file("/1", duration=150.0, mtime_ns=2), batch_id="4")
    assert duration() == 150.0


def test_a_file_is_recognised_by_the_length_that_it_states(db: Database) -> None:
    recording = "aaaaaaaa-0000-4000-8000-00000000000a"
    insert(db, file("/1", title="before", duration=200.0, mb_recording=recording), batch_id="1")
    with db.transaction() as connection:
        vectors.store(connection, 1, FEATURE_VERSION, b"\0" * 4 * VECTOR_SIZE, None, length=100.0)
        mark_missing(connection, ["/1"])
    insert(db, file("/2", title="after", duration=200.0, mb_recording=recording), batch_id="2")
    assert [(t["id"], t["duration"]) for t in library_lists.tracks(db.reader(), 10, 0).items] == [(1, 100.0)]


def test_the_cover_is_checked_again_after_a_file_has_changed(db: Database, tmp_path: Path) -> None:
    insert(db, file("/1", artist="A", album="B", title="before"))
    with db.transaction() as connection:
        covers.set_from_files(connection, 1, None, {})
    assert queries.albums_with_unchecked_cover(db.reader(), 10) == []
    insert(db, file("/1", artist="A", album="B", title="after"))
    assert [album["id"] for album in queries.albums_with_unchecked_cover(db.reader(), 10)] == [1]


def test_a_damaged_file_is_a_failure_and_missing_until_it_is_repaired(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X"))
    insert(db, failures=[{"path": "/1", "reason": "the file is empty", "bad_content": True}], batch_id="again")
    assert queries.totals(db.reader()) == {
        "tracks": 0, "missing": 1, "albums": 0, "artists": 0, "vectors": 0, "vector_failures": 0, "doubtful_texts": 0
    }  # fmt: skip
    assert queries.failures(db.reader(), 1, 10, 0).items == [
        {"path": "/1", "stage": "extract", "reason": "the file is empty"}
    ]
    insert(db, file("/1", artist="A", album="X"), batch_id="repaired")
    assert [t["id"] for t in library_lists.tracks(db.reader(), 10, 0).items] == [1]


def test_the_totals_count_the_vectors_of_tracks_that_are_there(db: Database) -> None:
    insert(db, *(file(f"/{number}") for number in range(4)))
    with db.transaction() as connection:
        for track_id, data in ((1, bytes(4 * VECTOR_SIZE)), (2, bytes(4 * VECTOR_SIZE)), (3, None), (4, None)):
            vectors.store(connection, track_id, FEATURE_VERSION, data, None if data else "no sound")
        mark_missing(connection, ["/0", "/2"])
    totals = queries.totals(db.reader())
    assert (totals["tracks"], totals["vectors"], totals["vector_failures"]) == (2, 1, 1)


def test_an_unavailable_file_keeps_its_track(db: Database) -> None:
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
def test_a_track_may_join_an_artist_or_album_that_another_leaves(
    db: Database, before: list[Any], after: list[Any]
) -> None:
    insert(db, *before)
    insert(db, *after)
    expected = {(f["path"], f["tags"]["artist"], f["tags"].get("album")) for f in after}
    tracks = library_lists.tracks(db.reader(), 10, 0, None, None).items
    assert {(t["path"], t["artist"], t["album"]) for t in tracks} == expected


def test_ids_are_never_reused(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X"))
    with db.transaction() as connection:
        mark_missing(connection, ["/1"])
        assert reconcile.purge(connection, 2**40) == 1
    insert(db, file("/2", artist="A", album="X"))
    (track,) = library_lists.tracks(db.reader(), 10, 0, None, None).items
    assert (track["id"], track["album_id"], track["artist_id"]) == (2, 2, 2)


def test_doubtful_text_is_kept_until_the_file_is_read_without_it(db: Database) -> None:
    insert(db, {**file("/1"), "doubtful_text": True}, file("/2"))
    assert queries.totals(db.reader())["doubtful_texts"] == 1
    assert [(details.full_track(db.reader(), number) or {})["doubtful_text"] for number in (1, 2)] == [True, False]
    insert(db, file("/1", mtime_ns=2))
    assert queries.totals(db.reader())["doubtful_texts"] == 0
