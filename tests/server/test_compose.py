"""The stack of deploy/compose.yml in a container engine: it scans a small library, answers, and has no privileges.

`python -m image containers --of server` gives the image and the engine (`make test-server`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from image.containers.container import IMAGE_VARIABLE
from soniquebay.api.background_jobs import MAX_QUEUED_VECTORS_SHARED
from tests.server.compose import Project
from tests.support.audio_files import tone
from tests.support.stack import free_port, wait_until

START_TIMEOUT_SECONDS = 120
OWNER = {"name": "owner", "password": "correct horse battery"}


def make_album(folder: Path, title: str, count: int) -> None:
    """Make a folder of tracks that every user of the machine may read."""
    folder.mkdir()
    for number in range(1, count + 1):
        file = tone(
            folder / f"{number}{('.mp3', '.flac')[number % 2]}", frequency=300 + 90 * number, artist="Artist",
            title=f"{title} {number}", album="Album", tracknumber=str(number),
        )  # fmt: skip
        file.chmod(0o644)
        os.utime(file, (0, 0))  # the API does not wait for a file that may still grow
    folder.chmod(0o755)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    image = os.environ.get(IMAGE_VARIABLE)
    assert image, f"{IMAGE_VARIABLE} is not set: run `make test-server`"
    music = tmp_path_factory.mktemp("music")
    music.chmod(0o755)
    make_album(music / "first", "Song", 2)
    names = ("SONIQUEBAY_PORT", "SONIQUEBAY_FLOWER_PORT", "SONIQUEBAY_WORKER_PROXY_PORT")
    variables = {name: str(free_port()) for name in names} | {
        "SONIQUEBAY_IMAGE": image,
        "SONIQUEBAY_MUSIC_FOLDER": str(music),
        "SONIQUEBAY_ONLINE": "off",
        "SONIQUEBAY_PROCESSES": "2",
    }
    project = Project(f"soniquebay-test-{os.getpid()}", variables)
    try:
        # It ends when the engine has found healthy what it can ask.
        project.compose("up", "--detach", "--wait", "--wait-timeout", str(START_TIMEOUT_SECONDS))
        yield project
    finally:
        print(project.compose("ps", "--all", check=False).stdout)
        print(project.compose("logs", "--no-color", "--tail", "40", check=False).stdout)
        project.compose("down", "--volumes")


@pytest.fixture(scope="module")
def api(project: Project) -> Iterator[httpx.Client]:
    """Return a client whose user is the owner."""
    with httpx.Client(base_url=f"http://127.0.0.1:{project.variables['SONIQUEBAY_PORT']}", timeout=60) as client:
        code = project.run("api", "soniquebay", "claim-code")[1].strip()
        claimed = client.post("/api/claim", json={"code": code, **OWNER})
        assert claimed.is_success, claimed.text
        yield client


def test_a_library_is_scanned_played_and_kept(project: Project, api: httpx.Client) -> None:
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
    url = f"http://127.0.0.1:{project.variables['SONIQUEBAY_FLOWER_PORT']}/api/workers"
    wait_until(lambda: answers(url, api.cookies) == 200, START_TIMEOUT_SECONDS)
    assert answers(url, None) == 401

    # Other processes have the old numbers and sockets now.
    project.compose("restart", "redis", "worker", "api")
    wait_until(lambda: answers(f"{api.base_url}/api/health", None) == 200, START_TIMEOUT_SECONDS)
    assert tracks() == first
    scan = json.loads(project.run("api", "soniquebay", "scan", "--full", "--wait", "--json")[1].splitlines()[-1])
    assert (scan["status"], tracks().keys()) == ("completed", first.keys())


def answers(url: str, cookies: httpx.Cookies | None) -> int:
    with suppress(httpx.TransportError):
        return httpx.get(url, cookies=cookies, timeout=30).status_code
    return 0


def test_a_worker_on_another_machine_brings_vectors(project: Project, api: httpx.Client, tmp_path: Path) -> None:
    code = json.loads(project.run("api", "soniquebay", "join-code", "--json")[1])["code"]
    command = [sys.executable, "-m", "soniquebay.cli", "worker", "--join", str(api.base_url), "--code", code]
    command += ["--name", "laptop", "--folder", str(tmp_path / "laptop"), "--processes", "1"]
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_until(lambda: process.poll() is not None or figure(api, "workers_present"), START_TIMEOUT_SECONDS)
        assert process.poll() is None, log.read_text()
        # More tracks than the worker of the server gets at a time, in a folder that the API notices by itself.
        make_album(tmp_path / "second", "Other song", MAX_QUEUED_VECTORS_SHARED + 4)
        shutil.move(tmp_path / "second", project.variables["SONIQUEBAY_MUSIC_FOLDER"])
        wait_until(lambda: figure(api, "vectors_total"), START_TIMEOUT_SECONDS)
        project.run("api", "soniquebay", "workers", "revoke", "laptop")
        wait_until(lambda: "Connection to broker lost" in log.read_text())
    finally:
        print(log.read_text())
        process.kill()
        process.wait()


def figure(api: httpx.Client, name: str) -> float:
    """Return a metric of workers on other machines."""
    found = re.search(rf"^soniquebay_remote_{name} (\S+)$", api.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize("name", ["redis", "api", "worker", "worker-proxy", "flower", "online"])
def test_no_program_is_root(project: Project, name: str) -> None:
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


def test_the_worker_proxy_has_sockets_and_certificates_alone(project: Project) -> None:
    assert project.run("worker-proxy", "ls", "/data", "/music")[1].split() == ["/data:", "/music:"]
    assert project.run("worker-proxy", "touch", "/run/soniquebay-workers/x", check=False)[0] != 0
    assert project.run("worker-proxy", "ls", "/run/soniquebay")[1] == ""
    assert project.run("worker-proxy", "ls", "/run/soniquebay-control", check=False)[0] != 0
    found = set(project.run("worker-proxy", "ls", "/run/soniquebay-workers")[1].split())
    assert found <= {"api.sock", "allowed-workers.json", "authority.pem", "worker-proxy.pem"}
    # Nobody else has them.
    assert project.run("worker", "ls", "/run/soniquebay-workers")[1] == ""
