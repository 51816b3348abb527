"""A sample of what a worker on another machine brings is compared with what this machine computes."""

import base64
import logging
import os
import sqlite3
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from soniquebay import allowed_workers, joining
from soniquebay.api.internal import internal_app
from soniquebay.api.remote import remote_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.audio.feature_schema import ACOUSTIC_FINGERPRINT_HEADER, FEATURE_VERSION, VECTOR_SIZE
from soniquebay.audio.sound_tags import SOUND_TAGS, SOUND_TAGS_VERSION
from soniquebay.library import leases, queries, remote_vectors
from soniquebay.settings import from_environment
from tests.unit.songs import file, insert

SAMPLED, LEASED = 2, 4
TOKEN = "0" * 64


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def sound_tags(probability: float) -> dict[str, Any]:
    values = [probability] * len(SOUND_TAGS)
    return {"version": SOUND_TAGS_VERSION, "data": encoded(struct.pack(f"<{len(values)}e", *values))}


def fingerprint(step: int) -> str:
    return encoded(ACOUSTIC_FINGERPRINT_HEADER.pack(0.0, 20) + bytes([step] * 20))


def result(value: float = 0.5, **changed: Any) -> dict[str, Any]:
    return {
        "version": FEATURE_VERSION,
        "data": encoded(struct.pack(f"<{VECTOR_SIZE}f", *[value] * VECTOR_SIZE)),
        "sound_tags": sound_tags(0.5),
        "acoustic_fingerprint": fingerprint(0b1100),
        "bpm": 120.0,
        "bpm_confidence": 0.7,
        "musical_key": "A minor",
        "length": 3.0,
        **changed,
    }


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """A worker has brought the vectors of three tracks, of which the second is a sample. A fourth is leased to it."""
    music = tmp_path / "music"
    music.mkdir()
    names = ("DATA", "CLAIM_FOLDER", "ALLOWED_WORKERS_FOLDER")
    made = make_services(
        from_environment({f"SONIQUEBAY_{n}": str(tmp_path) for n in names} | {"SONIQUEBAY_MUSIC": str(music)})
    )
    for number in range(1, LEASED + 1):
        path = music / f"{number}.flac"
        path.write_bytes(bytes(number))
        found = path.stat()
        insert(made.database, file(str(path), duration=3.0, size=found.st_size, mtime_ns=found.st_mtime_ns))
    with made.accounts.database.transaction() as db:
        db.execute(
            "INSERT INTO remote_workers (name, serial, token_hash, version, joined_at) VALUES ('a', '1', ?, '1', 0)",
            (joining.token_hash(TOKEN),),
        )
    allowed_workers.write(tmp_path, {"a": "1"})
    with made.database.transaction() as db:
        assert len(leases.take(db, "a", LEASED, (), time.time())) == LEASED
        db.execute("INSERT INTO remote_counts VALUES ('a', 0, ?)", (SAMPLED,))
    for track_id in (1, SAMPLED, 3):
        assert bring(made, track_id) == 204
        with made.database.transaction() as db:
            db.execute("UPDATE remote_counts SET next_sample = max(?, brought + 1)", (SAMPLED,))
            db.execute("UPDATE remote_counts SET next_sample = 999 WHERE brought >= ?", (SAMPLED,))
    return made


def bring(services: Services, track_id: int) -> int:
    client = TestClient(remote_app(services), "http://localhost", headers={"Authorization": f"Bearer {TOKEN}"})
    return client.put(f"/worker/tracks/{track_id}/vector", json=result()).status_code


def bring_sample(services: Services, track_id: int) -> None:
    with services.database.transaction() as db:
        db.execute("UPDATE remote_counts SET next_sample = brought")
    assert bring(services, track_id) == 204


def analyse_here(services: Services, body: dict[str, Any], track_id: int = SAMPLED) -> None:
    answer = TestClient(internal_app(services), "http://localhost").put(f"/internal/vectors/{track_id}", json=body)
    assert answer.json() == {"stored": True}


def of_others(services: Services) -> set[int]:
    """Return the tracks whose vector is not confirmed."""
    return {row[0] for row in services.database.reader().execute("SELECT track_id FROM remote_vectors")}


def with_vector(services: Services) -> set[int]:
    return {row[0] for row in services.database.reader().execute("SELECT track_id FROM vectors WHERE data NOT NULL")}


def waiting_here(services: Services) -> set[int]:
    return {row["id"] for row in queries.unanalysed_tracks(services.database.reader(), 9)}


def suspension(services: Services) -> str | None:
    (worker,) = services.remote_workers.all()
    because: str | None = worker["suspended_because"]
    return because


def test_a_sample_is_analysed_here_too_and_confirms_what_came_before(services: Services) -> None:
    assert waiting_here(services) == {SAMPLED}
    assert with_vector(services) == {1, 2, 3}
    analyse_here(services, result(0.5 * 1.001))  # another processor
    assert suspension(services) is None
    assert of_others(services) == {3}
    assert waiting_here(services) == set()
    assert with_vector(services) == {1, 2, 3}


def test_a_worker_that_lies_is_suspended_and_its_vectors_are_forgotten(
    services: Services, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        analyse_here(services, result(0.9))
    said = suspension(services)
    assert said and said.startswith(f"its analysis of track {SAMPLED} differs from that of this machine in loudness, ")
    assert "remote worker a is suspended: its analysis of track 2 differs" in caplog.text
    assert with_vector(services) == {SAMPLED}  # this machine's own
    assert waiting_here(services) == {1, 3, LEASED}
    assert of_others(services) == set()
    assert allowed_workers.read(tmp_path) == {}
    assert bring(services, LEASED) == 401
    with services.database.transaction() as db:
        assert [row["id"] for row in leases.take(db, "b", 9, (), time.time())] == [LEASED]


@pytest.mark.parametrize(
    ("truth", "field"),
    [({"sound_tags": sound_tags(0.9)}, "sound tags"), ({"sound_tags": None}, "sound tags"),
     ({"acoustic_fingerprint": fingerprint(0b0011)}, "acoustic fingerprint"),
     ({"acoustic_fingerprint": None}, "acoustic fingerprint")],
)  # fmt: skip
def test_a_worker_that_lies_in_one_value_is_suspended(services: Services, truth: dict[str, Any], field: str) -> None:
    analyse_here(services, result(**truth))
    said = suspension(services)
    assert said == f"its analysis of track {SAMPLED} differs from that of this machine in {field}"
    assert with_vector(services) == {SAMPLED}


DOUBTFUL = [
    ({"bpm": 97.0}, "tempo"), ({"bpm": None, "bpm_confidence": None}, "tempo"), ({"bpm_confidence": 0.1}, "tempo"),
    ({"musical_key": "C major"}, "key"), ({"musical_key": None}, "key"), ({"length": 9.0}, "length"),
]  # fmt: skip


@pytest.mark.parametrize(("truth", "field"), DOUBTFUL)
def test_two_doubtful_samples_in_a_row_suspend_a_worker(
    services: Services, truth: dict[str, Any], field: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        analyse_here(services, result(**truth))
    said = f"its analysis of track {SAMPLED} differs from that of this machine in {field}"
    assert f"remote worker a is in doubt: {said}" in caplog.text
    assert suspension(services) is None
    assert of_others(services) == {1, 3}  # nothing is confirmed
    (next_sample,) = services.database.reader().execute("SELECT next_sample FROM remote_counts").fetchone()
    assert 3 < next_sample <= 3 + remote_vectors.FIRST_VECTORS  # another one soon
    bring_sample(services, LEASED)
    analyse_here(services, result(**truth), LEASED)
    assert suspension(services) == said.replace(f"track {SAMPLED}", f"track {LEASED}")
    assert with_vector(services) == {SAMPLED, LEASED}


def test_a_right_sample_ends_the_doubt(services: Services) -> None:
    analyse_here(services, result(bpm=60.0))
    bring_sample(services, LEASED)
    analyse_here(services, result(), LEASED)
    assert of_others(services) == set()
    with services.database.transaction() as db:
        db.execute("UPDATE tracks SET analysed = 0 WHERE id = 1")
        db.execute("DELETE FROM analysis_leases")
        assert [row["id"] for row in leases.take(db, "a", 9, (), time.time())] == [1]
    bring_sample(services, 1)
    analyse_here(services, result(bpm=60.0), 1)
    assert suspension(services) is None


def test_what_was_confirmed_before_stays(services: Services) -> None:
    analyse_here(services, result())
    bring_sample(services, LEASED)
    analyse_here(services, result(0.9), LEASED)
    assert suspension(services)
    assert with_vector(services) == {1, SAMPLED, LEASED}
    assert waiting_here(services) == {3}


@pytest.mark.parametrize(
    "body", [{"version": FEATURE_VERSION, "failure": "damaged"},
             {"version": FEATURE_VERSION, "failure": "late", "retry_later": True}],
)  # fmt: skip
def test_a_file_that_cannot_be_analysed_here_says_nothing_of_the_worker(
    services: Services, body: dict[str, Any]
) -> None:
    analyse_here(services, body)
    assert suspension(services) is None
    assert of_others(services) == {1, 3}
    (next_sample,) = services.database.reader().execute("SELECT next_sample FROM remote_counts").fetchone()
    assert 3 < next_sample <= 3 + remote_vectors.FIRST_VECTORS  # another one soon


@pytest.mark.parametrize("is_known", [False, True])
def test_a_file_that_has_changed_says_nothing_of_the_worker(services: Services, is_known: bool) -> None:
    changed = services.settings.music[0] / f"{SAMPLED}.flac"
    if is_known:
        with services.database.transaction() as db:
            db.execute("UPDATE tracks SET mtime_ns = mtime_ns + 1 WHERE id = ?", (SAMPLED,))
    else:
        os.utime(changed, ns=(1, 1))
    analyse_here(services, result(0.9))
    assert suspension(services) is None
    assert with_vector(services) == {1, 2, 3}


def test_a_worker_that_is_suspended_while_it_brings_a_vector_does_not_get_it_in(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_of_track = queries.file_of_track

    def suspended_meanwhile(db: sqlite3.Connection, track_id: int) -> queries.Row | None:
        with services.database.transaction() as writer:
            leases.end_all(writer, "a")
        return file_of_track(db, track_id)

    monkeypatch.setattr(queries, "file_of_track", suspended_meanwhile)
    assert bring(services, LEASED) == 409
    assert with_vector(services) == {1, 2, 3}


def test_a_sample_of_a_revoked_worker_is_compared_all_the_same(services: Services) -> None:
    services.remote_workers.revoke("a")
    analyse_here(services, result(0.9))
    assert with_vector(services) == {SAMPLED}
    assert services.remote_workers.all() == []
