"""The state of the machine: one measurement for all who ask, drives that hang, and its events."""

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from soniquebay import card
from soniquebay.api import drives
from soniquebay.api.drives import Drives
from soniquebay.api.event_answer import STREAM_LIMITS, EventStream
from soniquebay.api.models.machine import Drive, Machine
from soniquebay.api.server import make_services
from soniquebay.quota import Quota
from soniquebay.settings import Settings, from_environment


def settings_of(folder: Path, *roots: Path, **more: str) -> Settings:
    variables = {"DATA": folder, "CLAIM_FOLDER": folder, "MUSIC": ":".join(map(str, roots or (folder,)))}
    variables["REDIS"] = f"unix://{folder}/none.sock"
    return from_environment({f"SONIQUEBAY_{name}": str(value) for name, value in {**variables, **more}.items()})


def test_it_is_measured_also_while_redis_does_not_answer(tmp_path: Path) -> None:
    services = make_services(settings_of(tmp_path))
    state = Machine.model_validate(asyncio.run(services.machine.state()))
    assert (state.queues, state.processes) == (None, None)
    assert state.memory.total_mb > state.memory.available_mb > 0
    assert [drive.use for drive in state.drives] == ["music", "data"]
    assert all(drive.total_bytes and drive.free_bytes is not None for drive in state.drives)


def test_it_tells_where_flower_answers(tmp_path: Path) -> None:
    def flower(**settings: str) -> dict[str, object]:
        services = make_services(settings_of(tmp_path, **settings))
        told: dict[str, object] = asyncio.run(services.machine.state())["flower"]
        return told

    assert flower() == {"scheme": "http", "port": 5555, "is_local": False}
    assert flower(FLOWER_PORT="5556", FLOWER_HOST="::1") == {"scheme": "http", "port": 5556, "is_local": True}
    assert flower(TLS="self-signed", FLOWER_HOST="localhost") == {"scheme": "https", "port": 5555, "is_local": True}
    assert flower(LOGIN="off")["is_local"] is True


def test_it_tells_the_wear_of_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = make_services(settings_of(tmp_path))
    for found, expected in ((None, None), (card.Health("mmcblk0", 30, "normal", 512), (30, "normal", 512))):
        monkeypatch.setattr(card, "health", lambda found=found: found)
        shown = Machine.model_validate(asyncio.run(services.machine.state())).card
        assert (shown and (shown.worn_percent, shown.reserve, shown.written_bytes)) == expected


def test_a_drive_below_a_root_is_listed_and_an_absent_root_told(tmp_path: Path) -> None:
    drive = tmp_path / "music" / "MUSIC"
    drive.mkdir(parents=True)
    lines = (
        "20 1 8:1 / / rw shared:1 - ext4 /dev/root rw\n"
        f"21 20 8:17 / {drive} ro,nosuid - exfat /dev/sda1 ro,iocharset=utf8\n"
        f"22 20 8:18 / {tmp_path}/music/GONE ro - ext4 /dev/sdb1 rw\n"
    )
    found = Drives(lines.encode).states(settings_of(tmp_path, tmp_path / "music", tmp_path / "none"))
    shown = [(Drive.model_validate(one).path, one["state"], one["file_system"], one["read_only"]) for one in found]
    assert shown == [
        (str(tmp_path / "music"), "ok", "ext4", False),
        (f"{tmp_path}/music/GONE", "absent", "ext4", False),  # a bind that this process may not write to
        (str(drive), "ok", "exfat", True),
        (str(tmp_path / "none"), "absent", "ext4", False),
        (str(tmp_path), "ok", "ext4", False),
    ]


def test_a_drive_that_does_not_answer_is_asked_once_and_waited_for_briefly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, asked, real = threading.Event(), [], os.statvfs
    root = tmp_path / "music"
    root.mkdir()

    def hang(path: bytes) -> os.statvfs_result:
        if path == os.fsencode(root):
            asked.append(path)
            goes_on.wait(30)
        return real(path)

    monkeypatch.setattr(os, "statvfs", hang)
    monkeypatch.setattr(drives, "TIMEOUT_SECONDS", 0.05)
    looking, settings = Drives(), settings_of(tmp_path, root)
    for _ in range(3):
        assert [one["state"] for one in looking.states(settings)] == ["silent", "ok"]
    assert len(asked) == 1
    monkeypatch.setattr(drives, "TIMEOUT_SECONDS", 5.0)
    goes_on.set()
    assert [one["state"] for one in looking.states(settings)] == ["ok", "ok"]


def test_a_stream_has_the_events_of_all_its_feeds_and_ends_with_one(tmp_path: Path) -> None:
    machine = make_services(settings_of(tmp_path)).machine
    has_got_state = asyncio.Event()

    async def scan() -> AsyncIterator[bytes]:
        yield b"event: scan\ndata: {}\n\n"
        await has_got_state.wait()

    async def read() -> list[bytes]:
        chunks = []
        async for chunk in EventStream(Quota(STREAM_LIMITS), scan(), machine.follow()).body_iterator:
            assert isinstance(chunk, bytes)
            chunks.append(chunk)
            if chunk.startswith(b"event: machine"):
                has_got_state.set()
        return chunks

    first, second = sorted(asyncio.run(asyncio.wait_for(read(), 10)), key=lambda chunk: b"machine" in chunk)
    assert first == b"event: scan\ndata: {}\n\n"
    name, data = second.decode().strip().split("\n")
    assert name == "event: machine"
    Machine.model_validate(json.loads(data.removeprefix("data: ")))
