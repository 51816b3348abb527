"""What a worker on another machine may bring, and what is not believed."""

import base64
import math
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from soniquebay import joining
from soniquebay.api.remote import remote_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.audio.feature_schema import ACOUSTIC_FINGERPRINT_HEADER, FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import leases, queries
from soniquebay.settings import from_environment
from tests.unit.songs import file, insert

TOKENS = {"a": "0" * 64, "b": "1" * 64}
TRACK = 1


@pytest.fixture
def services(tmp_path: Path) -> Services:
    music = tmp_path / "music"
    music.mkdir()
    (music / "x.flac").write_bytes(bytes(range(256)) * 8)
    names = ("DATA", "CLAIM_FOLDER", "ALLOWED_WORKERS_FOLDER")
    made = make_services(
        from_environment({f"SONIQUEBAY_{n}": str(tmp_path) for n in names} | {"SONIQUEBAY_MUSIC": str(music)})
    )
    insert(made.database, file(f"{music}/x.flac", duration=3.0))
    with made.accounts.database.transaction() as db:
        for name, token in TOKENS.items():
            db.execute(
                "INSERT INTO remote_workers (name, serial, token_hash, version, joined_at) VALUES (?, ?, ?, '1', 0)",
                (name, name, joining.token_hash(token)),
            )
    with made.database.transaction() as db:
        assert leases.take(db, "a", 1, (), time.time())
    return made


def client(services: Services, worker: str = "a") -> TestClient:
    headers = {"Authorization": f"Bearer {TOKENS[worker]}"}
    return TestClient(remote_app(services), "http://localhost", headers=headers)


def encoded(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


GOOD: dict[str, Any] = {
    "version": FEATURE_VERSION, "data": encoded([0.5] * VECTOR_SIZE), "bpm": 120.0, "musical_key": "A minor",
    "length": 3.2,
}  # fmt: skip


def stored(services: Services) -> int:
    (count,) = services.database.reader().execute("SELECT count(*) FROM vectors").fetchone()
    return int(count)


def test_a_vector_is_taken_once(services: Services) -> None:
    worker = client(services)
    path = f"/worker/tracks/{TRACK}/vector"
    assert worker.put(path, json=GOOD).status_code == 204
    assert stored(services) == 1
    assert worker.put(path, json=GOOD).status_code == 409


@pytest.mark.parametrize("header", [None, "Bearer ", f"Bearer {'2' * 64}", f"Basic {TOKENS['a']}", TOKENS["a"]])
def test_nothing_is_answered_without_the_token_of_a_worker(services: Services, header: str | None) -> None:
    stranger = TestClient(remote_app(services), "http://localhost", headers={"Authorization": header} if header else {})
    for method, path in (
        ("POST", "/worker/heartbeat"), ("GET", f"/worker/tracks/{TRACK}/file"),
        ("PUT", f"/worker/tracks/{TRACK}/vector"), ("DELETE", f"/worker/tracks/{TRACK}"),
    ):  # fmt: skip
        assert stranger.request(method, path, json=GOOD).status_code == 401
    assert stored(services) == 0


def test_a_worker_has_what_was_leased_to_it_alone(services: Services) -> None:
    assert client(services).get(f"/worker/tracks/{TRACK}/file", headers={"Range": "bytes=1-3"}).content == b"\1\2\3"
    other = client(services, "b")
    assert other.get(f"/worker/tracks/{TRACK}/file").status_code == 409
    assert other.put(f"/worker/tracks/{TRACK}/vector", json=GOOD).status_code == 409
    assert other.delete(f"/worker/tracks/{TRACK}").status_code == 409
    assert leases.count_of(services.database.reader(), "a") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"version": FEATURE_VERSION + 1}, {"data": ""}, {"data": "?"}, {"data": encoded([0.5] * (VECTOR_SIZE - 1))},
        {"data": encoded([0.5] * (VECTOR_SIZE + 1))}, {"data": encoded([math.nan] + [0.5] * (VECTOR_SIZE - 1))},
        {"data": encoded([math.inf] + [0.5] * (VECTOR_SIZE - 1))}, {"bpm": 0}, {"bpm": 5000}, {"musical_key": "H moll"},
        {"length": 9.0}, {"length": 1.0},
        {"acoustic_fingerprint": base64.b64encode(ACOUSTIC_FINGERPRINT_HEADER.pack(0.0, 2000) + bytes(2000)).decode()},
    ],
)  # fmt: skip
def test_what_is_no_vector_is_not_believed_and_the_track_is_analysed_here(
    services: Services, change: dict[str, Any]
) -> None:
    assert client(services).put(f"/worker/tracks/{TRACK}/vector", json=GOOD | change).status_code == 422
    assert stored(services) == 0
    assert [row["id"] for row in queries.unanalysed_tracks(services.database.reader(), 9)] == [TRACK]
    with services.database.transaction() as db:
        assert leases.take(db, "b", 9, (), time.time()) == []


@pytest.mark.parametrize("more", [{"failure": "damaged"}, {"retry_later": True}, {"x": 1}])
def test_a_worker_elsewhere_cannot_say_that_a_file_is_damaged(services: Services, more: dict[str, Any]) -> None:
    assert client(services).put(f"/worker/tracks/{TRACK}/vector", json=GOOD | more).status_code == 422
    assert stored(services) == 0


def test_a_worker_of_another_release_is_told_so(services: Services) -> None:
    body = {"processes": 4, "feature_version": FEATURE_VERSION + 1}
    answer = client(services).post("/worker/heartbeat", json=body)
    assert answer.status_code == 409
    assert "install the same release" in answer.json()["detail"]
    assert services.remote_workers.present() == {}
    assert (
        client(services).post("/worker/heartbeat", json=body | {"feature_version": FEATURE_VERSION}).status_code == 204
    )
    assert {name: seen.processes for name, seen in services.remote_workers.present().items()} == {"a": 4}
    assert client(services).post("/worker/heartbeat", json=body | {"processes": 1000}).status_code == 422


def test_a_worker_that_has_started_anew_has_nothing_from_before(services: Services) -> None:
    body = {"processes": 1, "feature_version": FEATURE_VERSION}
    db = services.database.reader()
    assert client(services).post("/worker/heartbeat", json=body).status_code == 204
    assert client(services, "b").post("/worker/heartbeat", json=body | {"begins": True}).status_code == 204
    assert leases.count_of(db, "a") == 1
    assert client(services).post("/worker/heartbeat", json=body | {"begins": True}).status_code == 204
    assert leases.count_of(db, "a") == 0
    with services.database.transaction() as writer:
        assert len(leases.take(writer, "b", 9, (), time.time())) == 1  # it is for whoever comes first


def test_the_public_api_has_none_of_these_routes(services: Services) -> None:
    from soniquebay.api.public import public_app

    paths = {route.path for route in public_app(services).routes}  # type: ignore[attr-defined]
    assert not any(path.startswith("/worker") for path in paths)
    assert {route.path for route in remote_app(services).routes} == {  # type: ignore[attr-defined]
        "/worker/heartbeat", "/worker/tracks/{track_id}/file", "/worker/tracks/{track_id}/vector",
        "/worker/tracks/{track_id}",
    }  # fmt: skip
