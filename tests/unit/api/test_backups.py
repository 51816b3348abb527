"""Backups by the API: when one is due, who may ask for one, and what is told when it fails."""

import itertools
import logging
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from soniquebay.api import backup_schedule
from soniquebay.api.backup_job import BackupJob
from soniquebay.api.backup_schedule import Moment, Schedule
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.backup import BackupError, making, restoring
from soniquebay.library import sessions
from soniquebay.settings import from_environment
from tests.support.rows import all_rows
from tests.support.stack import wait_until
from tests.unit import songs
from tests.unit.backup.machines import Machine

HOUR, DAY = 3600.0, 86_400.0


def moment(monotonic: float, hour: int = 12, changed: int = 0, age: float | None = HOUR) -> Moment:
    return Moment(monotonic, hour, changed, age)


def test_one_is_due_at_night_after_a_large_scan_and_after_a_day() -> None:
    schedule = Schedule(3, started=0)
    schedule.note_attempt(0)
    assert schedule.reason(moment(7 * HOUR)) is None
    assert schedule.reason(moment(7 * HOUR, hour=3)) == "night"
    assert schedule.reason(moment(7 * HOUR, changed=1000)) is None
    assert schedule.reason(moment(7 * HOUR, changed=1001)) == "scan"
    assert schedule.reason(moment(23.9 * HOUR)) is None
    assert schedule.reason(moment(DAY)) == "day"


@pytest.mark.parametrize("age", [None, 0, HOUR, 40 * DAY, -3650 * DAY, 3650 * DAY])
def test_a_clock_that_jumps_neither_repeats_nor_omits_one(age: float | None) -> None:
    """Each minute of three days the clock says that it is three o'clock, or that it never is."""
    for hour, least, most in ((3, 8, 12), (12, 2, 3)):
        schedule, made = Schedule(3, started=0), []
        for minute in range(3 * 24 * 60):
            if schedule.reason(moment(60 * minute, hour, age=age)):
                schedule.note_attempt(60 * minute)
                made.append(60 * minute)
        assert least <= len(made) <= most, (hour, made)
        gaps = [after - before for before, after in itertools.pairwise([0, *made])]
        assert all(gap >= backup_schedule.MIN_INTERVAL_SECONDS for gap in gaps[1:])
        assert max(gaps) <= DAY + 60


def test_after_a_start_it_is_due_if_the_newest_is_old_or_of_the_future() -> None:
    """A Pi that is switched off each night has no three o'clock."""
    for age, expected in ((None, "day"), (25 * HOUR, "day"), (-5.0, "day"), (5 * HOUR, None), (23 * HOUR, None)):
        assert Schedule(3, started=1000).reason(moment(1599, age=age)) is None
        assert Schedule(3, started=1000).reason(moment(1601, age=age)) == expected, age
    # A restart in the hour of the night is no reason for a second one.
    assert Schedule(3, started=0).reason(moment(700, hour=3, age=600)) is None
    assert Schedule(3, started=0).reason(moment(700, hour=3, age=20 * HOUR)) == "night"


@pytest.fixture
def services(tmp_path: Path) -> Services:
    Machine(tmp_path / "data").close()
    variables = {
        "DATA": tmp_path / "data",
        "CLAIM_FOLDER": tmp_path,
        "BACKUP_HOUR": (time.localtime().tm_hour + 12) % 24,
    }
    return make_services(from_environment({f"SONIQUEBAY_{name}": str(value) for name, value in variables.items()}))


@pytest.fixture
def client(services: Services) -> TestClient:
    """Give a client of a manager."""
    _, token = services.accounts.sign_in("Ada", "correct horse", "testclient", "")
    return TestClient(public_app(services), "http://localhost", cookies={"soniquebay_session": token})


def ended(client: TestClient) -> Any:
    return wait_until(lambda: (state := client.get("/api/backups").json())["running"] is False and state)


def test_a_manager_makes_one_and_sees_it(client: TestClient, services: Services) -> None:
    assert client.get("/api/backups").json() == {
        "items": [], "running": False, "problem": None, "second_place": None, "second_problem": None,
    }  # fmt: skip
    answer = client.post("/api/backups")
    assert (answer.status_code, answer.json()["running"]) == (202, True)
    (item,) = ended(client)["items"]
    assert (item["number"], item["reason"], item["tracks"], item["users"], item["problem"]) == (
        1,
        "request",
        12,
        2,
        None,
    )
    assert item["bytes"] > 100_000
    assert abs(item["made_at"] - time.time()) < 60
    folder = services.settings.data / "backups" / item["name"]
    assert all_rows(folder / "library.db") == all_rows(services.settings.database)


def test_no_backup_while_a_scan_runs_or_another_backup(
    client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    with services.database.transaction() as db:
        session = sessions.start(db)
    answer = client.post("/api/backups")
    assert (answer.status_code, answer.json()["detail"]) == (
        409, "a scan is running: try it again when that has ended",
    )  # fmt: skip
    due(services.backups, monkeypatch)
    services.backups.check()
    assert services.backups.backups() == []
    with services.database.transaction() as db:
        sessions.pause(db, session)  # perhaps for weeks
    services.backups.check()
    assert len(services.backups.backups()) == 1
    services.backups._begin()
    assert client.post("/api/backups").json()["detail"] == "a backup is being made already"


def due(job: BackupJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a day pass."""
    now = time.monotonic() + DAY + 1
    monkeypatch.setattr(time, "monotonic", lambda: now)


def test_its_thread_gives_way_to_all_others(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def note(*_: object) -> None:
        thread = threading.get_native_id()
        shown = subprocess.run(["ionice", "-p", str(thread)], capture_output=True, text=True, check=True)
        seen.append((os.getpriority(os.PRIO_PROCESS, thread) >= 10, shown.stdout.strip()))
        raise BackupError("enough")

    monkeypatch.setattr(making, "make", note)
    services.backups.request()
    wait_until(lambda: seen)
    assert seen == [(True, "idle")]
    ours = subprocess.run(["ionice", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    assert "idle" not in ours.stdout


def test_without_news_the_card_is_spared(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    job = services.backups
    due(job, monkeypatch)
    job.check()
    due(job, monkeypatch)
    job.check()
    assert [backup.sequence for backup in job.backups()] == [1]
    with services.database.transaction() as db:
        db.execute("UPDATE albums SET title = title")
    job.check()
    assert [backup.sequence for backup in job.backups()] == [2, 1]


def test_a_large_scan_is_backed_up_when_it_has_ended(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_schedule, "LARGE_SCAN_TRACKS", 4)
    job = services.backups
    due(job, monkeypatch)
    job.check()
    now = time.monotonic() + 7 * HOUR
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for n in range(5):
        job.check()
        assert len(job.backups()) == 1
        songs.insert(services.database, songs.file(f"/r/new {n}"))
    job.check()
    assert len(job.backups()) == 1  # the scan is still running
    with services.database.transaction() as db:
        db.execute("UPDATE scan_sessions SET status = 'completed', finished_at = 1")
    job.check()
    newest = job.backups()[0].manifest
    assert newest is not None
    assert (newest.reason, newest.rows["library.db"]["tracks"]) == ("scan", 17)


def test_a_failure_is_logged_once_and_shown_to_managers(
    client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise BackupError("the backup was not made: it needs 300 MB of free space, and 5 MB are free")

    monkeypatch.setattr(making, "_check_space", full)
    with caplog.at_level(logging.WARNING, "soniquebay.api.backup_job"):
        for _ in range(3):
            client.post("/api/backups")
            state = ended(client)
    sentence = "the backup was not made: it needs 300 MB of free space, and 5 MB are free"
    assert state["problem"] == sentence
    assert [record.getMessage() for record in caplog.records] == [f"backup: {sentence}"]
    warning = f"Backup: {sentence}."
    assert services.backups.warnings() == [warning]
    assert warning in client.get("/api/health").json()["warnings"]
    client.cookies.clear()
    assert client.get("/api/health").json()["warnings"] == []
    monkeypatch.undo()
    services.backups.request()
    wait_until(lambda: not services.backups.is_running)
    assert services.backups.warnings() == []


def test_a_second_place_that_is_missing_is_told_once(
    tmp_path: Path, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    job = services.backups
    job.places = making.Places(services.settings.data, tmp_path / "stick")
    for _ in range(2):
        job._make("request")
    assert len(job.backups()) == 2
    (warning,) = job.warnings()
    assert "stick" in warning and "No such file" in warning
    assert len([record for record in caplog.records if "stick" in record.getMessage()]) == 1


def test_a_backup_that_hangs_is_told(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    services.backups._begin()
    assert services.backups.warnings() == []
    due(services.backups, monkeypatch)
    assert services.backups.warnings() == ["Backup: it takes hours. Does the drive of SONIQUEBAY_BACKUP_FOLDER answer?"]


def test_the_api_finishes_a_restore_that_a_power_cut_has_interrupted(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "data")
    backup = machine.back_up().backup.folder
    machine.add_track("/r/later")
    machine.close()
    restoring.stage(backup, machine.data)
    (machine.data / restoring.PARTIAL).rename(machine.data / restoring.READY)
    make_services(from_environment({"SONIQUEBAY_DATA": str(machine.data), "SONIQUEBAY_CLAIM_FOLDER": str(tmp_path)}))
    assert all_rows(machine.data / "library.db")["tracks"] == all_rows(backup / "library.db")["tracks"]
    assert not (machine.data / restoring.READY).exists()
