"""The stack of deploy/compose.yml in a container engine: it scans a small library, answers, and has no privileges.

`python -m image containers --of server` gives the image and the engine (`make test-server`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import docker
import httpx
import pytest

from image.containers.container import IMAGE_VARIABLE
from tests.server.compose import Project
from tests.support.audio_files import tone
from tests.support.stack import wait_until

START_TIMEOUT_SECONDS = 120
OWNER = {"name": "owner", "password": "correct horse battery"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    image = os.environ.get(IMAGE_VARIABLE)
    assert image, f"{IMAGE_VARIABLE} is not set: run `make test-server`"
    music = tmp_path_factory.mktemp("music")
    music.chmod(0o755)
    for number, suffix in enumerate((".flac", ".mp3"), start=1):
        file = tone(
            music / f"{number}{suffix}", frequency=300 + 90 * number, title=f"Song {number}", artist="Artist",
            album="Album", tracknumber=str(number),
        )  # fmt: skip
        file.chmod(0o644)
    variables = {"SONIQUEBAY_IMAGE": image, "SONIQUEBAY_MUSIC_FOLDER": str(music), "SONIQUEBAY_ONLINE": "off"}
    client = docker.from_env(timeout=600)
    project = Project(client, f"soniquebay-test-{os.getpid()}", variables | {"SONIQUEBAY_PROCESSES": "2"})
    try:
        project.up()
        yield project
    finally:
        print(project.logs())
        project.down()


@pytest.fixture(scope="module")
def api(project: Project) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{project.port('api', 8080)}", timeout=60) as client:

        def is_healthy() -> bool:
            with suppress(httpx.TransportError):
                return client.get("/api/health").status_code == 200
            return False

        wait_until(is_healthy, START_TIMEOUT_SECONDS)
        yield client


def test_a_library_is_scanned_played_and_kept(project: Project, api: httpx.Client) -> None:
    code = project.run("api", "soniquebay", "claim-code")[1].strip()
    claimed = api.post("/api/claim", json={"code": code, **OWNER})
    assert claimed.is_success, claimed.text
    scan = json.loads(project.run("api", "soniquebay", "scan", "--wait-vectors", "--json")[1].splitlines()[-1])
    assert scan["status"] == "completed", scan

    def tracks() -> dict[str, Any]:
        return {one["title"]: one for one in api.get("/api/tracks").json()["items"]}

    first = tracks()
    assert first.keys() == {"Song 1", "Song 2"}
    similar = api.get(f"/api/tracks/{first['Song 1']['id']}/similar")
    assert [one["title"] for one in similar.json()["items"]] == ["Song 2"], similar.text
    audio = api.get(f"/api/tracks/{first['Song 1']['id']}/download", headers={"Range": "bytes=0-3"})
    assert (audio.status_code, audio.content) == (206, b"fLaC")
    url = f"http://127.0.0.1:{project.port('flower', 5555)}/api/workers"
    wait_until(lambda: answers(url, api.cookies) == 200, START_TIMEOUT_SECONDS)
    assert answers(url, None) == 401

    # Other processes have the old numbers and sockets now.
    for name in ("redis", "worker", "api"):
        project.containers[name].restart(timeout=45)
    api.base_url = f"http://127.0.0.1:{project.port('api', 8080)}"
    wait_until(lambda: health(api) == 200, START_TIMEOUT_SECONDS)
    assert tracks() == first
    scan = json.loads(project.run("api", "soniquebay", "scan", "--full", "--wait", "--json")[1].splitlines()[-1])
    assert (scan["status"], tracks().keys()) == ("completed", first.keys())


def answers(url: str, cookies: httpx.Cookies | None) -> int:
    with suppress(httpx.TransportError):
        return httpx.get(url, cookies=cookies, timeout=30).status_code
    return 0


def health(api: httpx.Client) -> int:
    with suppress(httpx.TransportError):
        return api.get("/api/health").status_code
    return 0


def test_the_engine_knows_that_it_is_healthy(project: Project, api: httpx.Client) -> None:
    def states() -> dict[str, str]:
        found = {}
        for name in ("redis", "api"):
            project.containers[name].reload()
            found[name] = project.containers[name].attrs["State"]["Health"]["Status"]
        return found

    wait_until(lambda: states() == {"redis": "healthy", "api": "healthy"}, START_TIMEOUT_SECONDS)


@pytest.mark.parametrize("name", ["redis", "api", "worker", "flower", "online"])
def test_no_program_is_root(project: Project, api: httpx.Client, name: str) -> None:
    assert project.run(name, "id", "-u")[1].strip() != "0"


def test_the_worker_is_kept_from_what_it_does_not_need(project: Project, api: httpx.Client) -> None:
    """It reads the library and cannot write it, is no administrator, and has no network."""
    project.run("worker", "cat", "/data/library.db")
    assert project.run("worker", "touch", "/data/x", check=False)[0] != 0
    assert project.run("worker", "cat", "/data/device.key", check=False)[0] != 0
    assert project.run("worker", "touch", "/run/soniquebay/x", check=False)[0] != 0
    assert project.run("worker", "soniquebay", "claim-code", check=False)[0] != 0
    interfaces = project.run("worker", "ls", "/sys/class/net")[1].split()
    assert interfaces == ["lo"]
