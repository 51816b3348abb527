"""Whether the machine is in use, as updates of the system ask it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from soniquebay import update_record
from soniquebay.api.listening import QUIET_SECONDS, Listening, NoteStreams
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.library import sessions
from soniquebay.settings import from_environment
from soniquebay.update_record import UpdateRecord


@pytest.fixture
def services(tmp_path: Path) -> Services:
    variables = {"DATA": tmp_path, "CLAIM_FOLDER": tmp_path, "MUSIC": tmp_path, "LOGIN": "off"}
    variables["REDIS"] = f"unix://{tmp_path}/none.sock"
    return make_services(from_environment({f"SONIQUEBAY_{name}": str(value) for name, value in variables.items()}))


def activity(app: FastAPI) -> Any:
    return TestClient(app, "http://localhost").get("/api/activity").json()


def test_a_scan_that_runs_is_told_and_one_that_is_paused_is_not(services: Services) -> None:
    app = public_app(services)
    assert activity(app) == {"scan_runs": False, "streams": 0, "somebody_listens": False}
    with services.database.transaction() as db:
        session_id = sessions.start(db)
    assert activity(app)["scan_runs"] is True
    with services.database.transaction() as db:
        sessions.pause(db, session_id)
    assert activity(app)["scan_runs"] is False


def test_a_player_that_says_what_it_plays_is_listened_to(services: Services) -> None:
    services.now_playing.note("Ada", "app", 1)
    assert activity(public_app(services))["somebody_listens"] is True


@pytest.mark.parametrize(
    ("method", "path", "status", "media_type", "counts"),
    [
        ("GET", "/api/tracks/7/stream", 206, "audio/flac", True),
        ("GET", "/api/tracks/7/stream", 200, "application/octet-stream", True),
        ("POST", "/rest/stream.view", 200, "audio/mpeg", True),
        ("GET", "/rest/stream", 200, "text/xml", False),  # how OpenSubsonic refuses
        ("GET", "/api/tracks/7/stream", 404, "application/json", False),
        ("HEAD", "/api/tracks/7/stream", 200, "audio/flac", False),
        ("GET", "/api/tracks/7/cover", 200, "audio/flac", False),
    ],
)
def test_a_stream_counts_until_some_time_after_its_end(
    method: str, path: str, status: int, media_type: str, *, counts: bool
) -> None:
    clock = SimpleNamespace(now=5.0)
    listening = Listening(lambda: clock.now)
    during = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        during.append(listening.is_quiet)
        start = {"type": "http.response.start", "status": status, "headers": [(b"content-type", media_type.encode())]}
        await send(start)
        during.append(listening.is_quiet)
        raise ConnectionError  # the listener is gone

    async def ignore(_message: Any) -> None:
        """Take the answer."""

    scope: Any = {"type": "http", "method": method, "path": path}
    receive: Any = None
    with pytest.raises(ConnectionError):
        anyio.run(NoteStreams(app, listening), scope, receive, ignore)
    assert during == [True, not counts]
    assert (listening.streams, listening.is_quiet) == (0, not counts)
    clock.now += QUIET_SECONDS
    assert listening.is_quiet


def test_the_machine_tells_of_the_last_security_updates(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update_record, "PATH", tmp_path / "record")
    client = TestClient(public_app(services), "http://localhost")
    assert client.get("/api/machine").json()["system_updates"] is None
    assert "soniquebay_security_updates_failed 1.0" not in client.get("/metrics").text
    boot_id = update_record.current_boot_id()
    record = UpdateRecord(1.0, 2.0, "failed", "no room", ("a: 1 → 2",), "a kernel", boot_id, 1.5)
    update_record.write(record, tmp_path / "record")
    assert client.get("/api/machine").json()["system_updates"] == {
        "began_at": 1.0,
        "ended_at": 2.0,
        "succeeded_at": 1.5,
        "result": "failed",
        "reason": "no room",
        "packages": ["a: 1 → 2"],
        "waits_for_reboot": True,
    }
    metrics = client.get("/metrics").text
    for line in ("failed 1.0", "wait_for_reboot 1.0", "last_run_timestamp_seconds 2.0"):
        assert f"soniquebay_security_updates_{line}\n" in metrics
