"""The doctor finds programs that do not answer, a wrong clock, and what the board suffers from."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from soniquebay import redis_files
from soniquebay.doctor import checks
from soniquebay.doctor.finding import Finding
from soniquebay.doctor.surroundings import Surroundings
from soniquebay.library.database import Database
from tests.unit.doctor.conftest import Machine


def test_redis_that_does_not_run(machine: Machine) -> None:
    assert "Redis does not answer" in machine.wrong("redis").sentence
    assert [finding.state for finding in machine.find("worker")] == ["unknown"]


def test_a_full_redis(machine: Machine, with_redis: redis.Redis) -> None:
    assert machine.is_fine("redis")
    with_redis.set("soniquebay:test", "x" * 2_000_000)
    with_redis.config_set("maxmemory", "2mb")
    assert "Redis is full" in machine.wrong("redis").sentence


def test_files_of_redis_that_were_damaged(machine: Machine) -> None:
    assert machine.is_fine("redis-files")
    (machine.folder / "run" / redis_files.SET_ASIDE_NOTICE).write_text("Redis' files were damaged.\n")
    assert machine.wrong("redis-files").sentence == "Redis' files were damaged."


def test_no_worker(machine: Machine, with_redis: redis.Redis) -> None:
    assert "No worker answers" in machine.wrong("worker").sentence


def test_no_api(machine: Machine) -> None:
    assert "The API does not answer: refused" in machine.wrong("api").sentence
    machine.answers["/api/health"] = {"status": "ok"}
    assert machine.is_fine("api")


def test_a_release_that_cannot_read_files(machine: Machine) -> None:
    (without_api,) = machine.find("release")
    assert (without_api.state, "not all parts answer" in without_api.sentence) == ("unknown", True)
    machine.answers["/api/health"] = {"status": "ok"}
    (without_check,) = machine.find("release")  # an older release
    assert (without_check.state, "cannot be tried: refused" in without_check.sentence) == ("unknown", True)
    tags = {"name": "tags", "state": "failed", "sentence": "The worker cannot read a FLAC file: it is broken."}
    late = {"name": "transcode", "state": "late", "sentence": "The API could not transcode within 30 s."}
    machine.answers["POST /api/health/check"] = {"healthy": False, "checks": [tags, late]}
    assert machine.wrong("release").sentence == tags["sentence"]
    assert {finding.state for finding in machine.find("release")} == {"wrong", "unknown"}
    machine.answers["POST /api/health/check"] = {"healthy": True, "checks": [{**tags, "state": "ok"}]}
    assert machine.is_fine("release")


def test_a_failed_unit(machine: Machine) -> None:
    assert machine.is_fine("units")
    machine.failed_units = "srv-music-USB.mount loaded failed failed /srv/music/USB\n"
    assert "srv-music-USB.mount has failed" in machine.wrong("units").sentence


def test_no_internet(machine: Machine) -> None:
    service: dict[str, Any] = {"name": "musicbrainz", "failures": 0, "reason": None, "retry_at": None, "due": 3}
    machine.answers["/api/online"] = {"online": True, "services": [service]}
    assert machine.is_fine("internet")
    service["reason"] = "Temporary failure in name resolution"
    assert "musicbrainz does not answer: Temporary failure" in machine.wrong("internet").sentence
    machine.variables["SONIQUEBAY_ONLINE"] = "off"
    assert machine.is_fine("internet")


def test_a_wrong_clock(machine: Machine) -> None:
    assert machine.is_fine("clock")
    assert "before this release was made" in machine.wrong("clock", clock=lambda: 0.0).sentence
    with Database(machine.folder / "data/library.db").transaction() as db:
        db.execute(
            "INSERT INTO scan_sessions (status, started_at, heartbeat_at) VALUES ('completed', ?, 0)",
            (time.time() + 10 * 86400,),
        )
    assert "before the last scan" in machine.wrong("clock").sentence


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_hot_board_with_too_little_voltage(machine: Machine) -> None:
    sys = machine.folder / "sys"
    assert {finding.state for finding in machine.find("temperature") + machine.find("slowing")} == {"unknown"}
    write(sys / "class/thermal/thermal_zone0/temp", "58432\n")
    write(sys / "devices/platform/soc/soc:firmware/get_throttled", "0\n")
    assert machine.is_fine("temperature")
    assert machine.is_fine("slowing")
    write(sys / "class/thermal/thermal_zone0/temp", "81000\n")
    assert "has 81 °C" in machine.wrong("temperature").sentence
    write(sys / "devices/platform/soc/soc:firmware/get_throttled", "50001\n")
    now, before = machine.find("slowing")
    assert (now.state, before.state) == ("wrong", "wrong")
    assert "the voltage is too low (now)" in now.sentence
    assert "slowed down (not now, but since" in before.sentence


@pytest.mark.parametrize(("available", "pressure"), [(20_000, "0.00"), (900_000, "35.00")])
def test_short_memory(machine: Machine, tmp_path: Path, available: int, pressure: str) -> None:
    proc = tmp_path / "proc"
    write(proc / "meminfo", "MemTotal: 1900000 kB\nMemAvailable: 900000 kB\n")
    write(proc / "pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00\n")
    assert machine.is_fine("memory", proc=proc)
    write(proc / "meminfo", f"MemTotal: 1900000 kB\nMemAvailable: {available} kB\n")
    write(proc / "pressure/memory", f"some avg10=0.00 avg60={pressure} avg300=0.00 total=0\n")
    assert "emory" in machine.wrong("memory", proc=proc).sentence


def test_a_worn_card(machine: Machine) -> None:
    device = machine.folder / "sys/block/mmcblk0"
    write(device / "stat", "1 2 3 4 5 6 2048 8\n")
    assert [finding.state for finding in machine.find("card")] == ["unknown"]
    write(device / "device/life_time", "0x02 0x03\n")
    write(device / "device/pre_eol_info", "0x01\n")
    assert machine.is_fine("card")
    write(device / "device/life_time", "0x02 0x09\n")
    assert "90 % of its life" in machine.wrong("card").sentence
    write(device / "device/life_time", "0x02 0x03\n")
    write(device / "device/pre_eol_info", "0x03\n")
    assert "its reserve is urgent" in machine.wrong("card").sentence


def test_a_check_that_fails_ends_no_other_one(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from soniquebay.doctor import checks

    def fail(_: object) -> list[Finding]:
        raise RuntimeError("no")

    monkeypatch.setitem(checks.CHECKS, "music", fail)
    found = dict(checks.findings(machine.surroundings()))
    assert found["music"].sentence == "This check has failed: RuntimeError: no"
    assert "claim" in found


def test_a_check_that_hangs_holds_up_no_other_one(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = threading.Event()

    def hang(_: Surroundings) -> Iterator[Finding]:
        ends.wait(60)
        yield from ()

    monkeypatch.setattr(checks, "CHECKS", {"music": hang, "clock": checks.CHECKS["clock"]})
    try:
        (hung, clock) = checks.findings(machine.surroundings(), seconds=0.2)
    finally:
        ends.set()
    assert (hung[0], hung[1].state) == ("music", "unknown")
    assert "a drive may not answer" in hung[1].sentence
    assert clock[0] == "clock"
