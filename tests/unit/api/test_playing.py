"""Which files are played: those of music alone, and regular ones."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.settings import from_environment
from tests.unit.songs import file, insert


def play(tmp_path: Path, path: Path) -> httpx.Response:
    """Play the track of a path, in a library whose root is `tmp_path`/music."""
    folders = {"SONIQUEBAY_DATA": str(tmp_path / "data"), "SONIQUEBAY_MUSIC": str(tmp_path / "music")}
    services = make_services(from_environment({"SONIQUEBAY_LOGIN": "off", **folders}))
    insert(services.database, file(str(path), title="T"))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(public_app(services))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/api/tracks/1/stream")

    return asyncio.run(ask())


def test_a_file_outside_the_music_is_not_played(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    for name in ("music2/a.flac", "a.flac"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"secret")
        answer = play(tmp_path, path)
        assert (answer.status_code, "secret" in answer.text) == (404, False)
        assert "outside" in answer.json()["detail"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_is_not_played(tmp_path: Path, make: Callable[[Path], None]) -> None:
    (tmp_path / "music").mkdir()
    path = tmp_path / "music" / "a.flac"
    make(path)
    answer = play(tmp_path, path)
    assert (answer.status_code, "not a regular file" in answer.json()["detail"]) == (503, True)


@pytest.mark.parametrize("content", [b"sound", b""])
@pytest.mark.parametrize("seconds", [0, 1_700_000_000, -2_000_000, 15_032_385_535])
def test_a_file_of_music_is_played(tmp_path: Path, content: bytes, seconds: int) -> None:
    (tmp_path / "music").mkdir()
    path = tmp_path / "music" / "a.flac"
    path.write_bytes(content)
    os.utime(path, (seconds, seconds))
    answer = play(tmp_path, path)
    assert (answer.status_code, answer.content) == (200, content)
