"""The metrics: what they say of requests and of the machine, what is missing when a part fails, and who gets them."""

import asyncio
import base64
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Receive, Scope, Send

from bench import browse
from soniquebay.api import access
from soniquebay.api.internal import internal_app
from soniquebay.api.metrics.exposition import Exposition
from soniquebay.api.metrics.requests import CountRequests, RequestCounts
from soniquebay.api.public import public_app
from soniquebay.api.served_certificate import ServedCertificate
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.library import leases
from soniquebay.listeners import app_passwords, users
from soniquebay.settings import Settings, from_environment
from soniquebay.sockets import UnixPeer
from soniquebay.storage_faults import StorageFaultError
from tests.unit.songs import file, insert

MAX_GATHERING_CPU_SECONDS = 0.020  # on a library of 100,000 tracks
TRACKS = 100_000


def settings_of(folder: Path, **more: str) -> Settings:
    variables = {"DATA": str(folder), "CLAIM_FOLDER": str(folder), "MUSIC": str(folder), **more}
    variables["REDIS"] = f"unix://{folder}/none.sock"
    return from_environment({f"SONIQUEBAY_{name}": value for name, value in variables.items()})


@pytest.fixture
def services(tmp_path: Path) -> Services:
    made = make_services(settings_of(tmp_path))
    made.accounts.make_owner("Ada", "correct horse")
    return made


def app_password(services: Services, role: str = "manage") -> str:
    with services.accounts.change() as db:
        user = users.add(db, f"Bob {role}", "long enough", "manage")
        _, password = app_passwords.make(db, services.accounts.key, user.id, "Prometheus", role)
    return password


def client_of(app: FastAPI, authorization: str = "") -> TestClient:
    headers = {"Authorization": authorization} if authorization else {}
    return TestClient(app, "http://localhost", headers=headers, raise_server_exceptions=False)


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels, in the order of their names."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_count_by_the_template_of_their_route(services: Services) -> None:
    client = client_of(public_app(services), f"Bearer {app_password(services)}")
    for path in ("/api/tracks/1", "/api/tracks/2", "/api/tracks/3?x=/api/tracks/4", "/internal/a/b", "/none/secret"):
        client.get(path)
    client.post("/api/tracks/1")
    client.request("BREW", "/api/tracks/1")
    client_of(client.app).get("/api/tracks/1")  # type: ignore[arg-type]
    found = {
        key[1:]: value for key, value in samples(client.get("/metrics").text).items() if "requests_total" in key[0]
    }
    assert found == {
        ("GET", "/api/tracks/{track_id}", "404"): 3,
        ("POST", "/api/tracks/{track_id}", "405"): 1,
        ("other", "/api/tracks/{track_id}", "405"): 1,
        ("GET", "/internal/{path}", "403"): 1,
        ("GET", "none", "404"): 1,
        ("GET", "none", "401"): 1,  # it is refused before a route is looked for
    }


def test_the_internal_api_counts_too(services: Services) -> None:
    client_of(internal_app(services)).get("/api/queues")
    client_of(internal_app(services)).post("/internal/batches/7/done", json={})
    text = client_of(public_app(services), f"Bearer {app_password(services)}").get("/metrics").text
    assert ("soniquebay_http_requests_total", "GET", "/api/queues", "503") in samples(text)
    routes = {key[2] for key in samples(text) if key[0] == "soniquebay_http_requests_total"}
    assert len(routes) == 2
    assert not any("7" in route for route in routes)


def test_durations_fall_into_buckets_that_add_up(services: Services) -> None:
    for seconds in (0.001, 0.01, 0.02, 0.3, 9.0):
        services.request_counts.add("/x", "GET", 200, seconds)
    text = client_of(public_app(services), f"Bearer {app_password(services)}").get("/metrics").text
    name = "soniquebay_http_request_duration_seconds"
    found = samples(text)
    buckets = {key[1]: value for key, value in found.items() if key[0] == f"{name}_bucket"}
    assert buckets == {"0.01": 2, "0.05": 3, "0.25": 3, "1.0": 4, "5.0": 4, "+Inf": 5}
    assert found[f"{name}_count", "GET", "/x"] == 5
    assert found[f"{name}_sum", "GET", "/x"] == pytest.approx(9.331)


def test_an_answer_counts_when_it_begins_and_a_failure_as_500() -> None:
    counts, is_seen = RequestCounts(), []

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        is_seen.append(dict(counts.answers()))
        await asyncio.sleep(0.3)
        raise ValueError("the listener is gone")

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("wrong")

    async def send(message: Any) -> None:
        pass

    for app in (stream, fail):
        with pytest.raises(ValueError, match=r"gone|wrong"):
            asyncio.run(CountRequests(app, counts)({"type": "http", "method": "GET"}, None, send))  # type: ignore[arg-type]
    assert is_seen == [{("none", "GET", 200): 1}]
    assert counts.answers() == {("none", "GET", 200): 1, ("none", "GET", 500): 1}
    assert counts.durations()["none", "GET"][1] < 0.2


def test_only_managers_get_them(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    app = public_app(services)
    password = app_password(services)
    basic = base64.b64encode(f"Bob manage:{password}".encode()).decode()
    wrong = base64.b64encode(f"Ada:{password}".encode()).decode()
    listener = app_password(services, "listen")
    for authorization, status in (
        ("", 401), (f"Bearer {password}", 200), (f"Basic {basic}", 200), (f"Basic {wrong}", 401),
        ("Bearer none", 401), (f"Bearer {listener}", 403),
    ):  # fmt: skip
        answer = client_of(app, authorization).get("/metrics")
        assert answer.status_code == status, authorization
        assert ("soniquebay_" in answer.text) == (status == 200)
    assert client_of(app, f"Bearer {password}").get("/metrics").headers["content-type"] == (
        "text/plain; version=0.0.4; charset=utf-8"
    )
    monkeypatch.setattr(access, "is_administrator", lambda uid: uid == 0)
    for uid, status in ((0, 200), (1234, 403)):
        socket = TestClient(app, "http://localhost", client=UnixPeer("unix", uid))  # type: ignore[arg-type]
        assert socket.get("/metrics").status_code == status


def test_guests_get_none(tmp_path: Path) -> None:
    app = public_app(make_services(settings_of(tmp_path, GUESTS="on")))
    guest = TestClient(app, "http://localhost", client=("192.168.1.9", 1))
    assert (guest.get("/api/tracks").status_code, guest.get("/metrics").status_code) == (200, 403)


def exposed(services: Services) -> dict[tuple[str, ...], float]:
    return samples(asyncio.run(services.metrics.text()).decode())


def test_a_part_that_does_not_answer_has_no_figures_and_the_others_have(services: Services, tmp_path: Path) -> None:
    found = exposed(services)
    assert [found["soniquebay_part_up", part] for part in ("database", "redis", "worker")] == [1, 0, 0]
    assert found["soniquebay_library_tracks",] == 0
    assert ("soniquebay_workers",) not in found
    services.accounts.database.fault = StorageFaultError("damaged", "restore it", "/data")
    found = exposed(services)
    assert (found["soniquebay_part_up", "database"], found["soniquebay_library_tracks",]) == (0, 0)
    services.accounts.database.fault = None
    for path in tmp_path.glob("library.db*"):
        path.unlink()
    found = exposed(services)
    assert found["soniquebay_part_up", "database"] == 0
    assert ("soniquebay_library_tracks",) not in found
    assert ("soniquebay_machine_uptime_seconds",) in found


def test_the_library_is_counted_again_after_a_write(services: Services) -> None:
    assert exposed(services)["soniquebay_library_tracks",] == 0
    with services.database.transaction() as db:
        browse.make(db, 400)
    assert exposed(services)["soniquebay_library_tracks",] == 400


def test_they_are_gathered_once_for_all_who_ask_at_once(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, gathered, real = threading.Event(), [], Exposition.text

    def slow(self: Exposition) -> bytes:
        gathered.append(1)
        goes_on.wait(2)
        return real(self)

    monkeypatch.setattr(Exposition, "text", slow)
    app, headers = public_app(services), {"Authorization": f"Bearer {app_password(services)}"}

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            askers = [asyncio.create_task(client.get("/metrics", headers=headers)) for _ in range(8)]
            await asyncio.sleep(0.3)
            assert (await client.get("/api/session")).status_code == 200
            goes_on.set()
            return await asyncio.gather(*askers)

    answers = asyncio.run(ask())
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len(gathered) == 1


def test_the_end_of_the_owners_certificate_is_told(services: Services) -> None:
    name = ("soniquebay_certificate_expiry_timestamp_seconds",)
    assert name not in exposed(services)
    services.certificate = cast(ServedCertificate, SimpleNamespace(end=2e9))
    assert exposed(services)[name] == 2e9


@pytest.mark.slow
def test_a_large_library_is_gathered_quickly(services: Services) -> None:
    with services.database.transaction() as db:
        browse.make(db, TRACKS)
        db.execute("INSERT INTO vectors (track_id, data, version) SELECT id, zeroblob(400), 1 FROM tracks WHERE id % 3")
        db.execute("UPDATE tracks SET missing_since = 1e9 WHERE id % 500 = 0")
    for route in public_app(services).router.routes:
        for method in getattr(route, "methods", None) or ():
            services.request_counts.add(route.path_format, method, 200, 0.01)  # type: ignore[attr-defined]
    text = asyncio.run(services.metrics.text()).decode()  # and what is loaded at the first time
    assert samples(text)["soniquebay_library_tracks",] == TRACKS * 499 / 500

    def gather(*, after_a_write: bool) -> float:
        seconds = []
        for _ in range(9):
            if after_a_write:
                with services.database.transaction():
                    pass
            began_at = time.process_time()
            asyncio.run(services.metrics.text())
            seconds.append(time.process_time() - began_at)
        return sorted(seconds)[4]

    assert gather(after_a_write=False) < MAX_GATHERING_CPU_SECONDS
    assert gather(after_a_write=True) < 2 * MAX_GATHERING_CPU_SECONDS  # it takes 17 ms where nothing else runs


def test_workers_on_other_machines_are_counted(services: Services) -> None:
    def told() -> list[float]:
        found = exposed(services)
        names = ("workers_joined", "workers_present", "workers_suspended", "leases", "vectors_total")
        return [found[f"soniquebay_remote_{name}",] for name in names]

    assert told() == [0, 0, 0, 0, 0]
    insert(services.database, *(file(f"/m/{n}.flac") for n in range(5)))
    with services.accounts.database.transaction() as db:
        for name in ("a", "b", "c"):
            db.execute(
                "INSERT INTO remote_workers (name, serial, token_hash, version, joined_at) VALUES (?1, ?1, ?2, '1', 0)",
                (name, name.encode()),
            )
    services.remote_workers.note_seen("a", 2)
    services.remote_workers.suspend("b", "its vector is wrong")
    with services.database.transaction() as writer:
        taken = [row["id"] for row in leases.take(writer, "a", 2, (), time.time())]
        leases.leave_here(writer, taken[:1])
    services.remote_workers.count_vector()
    assert told() == [3, 1, 1, 1, 1]
