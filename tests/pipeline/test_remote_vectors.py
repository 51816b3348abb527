"""A worker on another machine analyses tracks of the appliance: it reads their files by ranges, and brings vectors."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from soniquebay.api.background_jobs import MAX_QUEUED_VECTORS_SHARED
from soniquebay.authority import WORKER_FILE
from soniquebay.cli import remote_workers
from soniquebay.pipeline.remote_api import Appliance, NotOursError
from soniquebay.worker.remote import read_credentials
from tests.support.audio_files import CODECS, tone
from tests.support.stack import Stack, free_port, wait_until
from tests.support.vectors import forget_vectors, vectors

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    music = tmp_path_factory.mktemp("music")
    for number, suffix in enumerate(CODECS, start=1):
        tone(
            music / f"{number}{suffix}", frequency=200 + 50 * number, title=f"Song {suffix[1:]}", artist="A", album="B"
        )
    running = Stack(music, tmp_path_factory.mktemp("data"), SONIQUEBAY_WORKER_PROXY_PORT=str(free_port()))
    yield running
    running.stop()


def join(stack: Stack, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    code = json.loads(stack.cli("join-code", "--json").stdout)["code"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "soniquebay.cli", "worker", "--join", stack.url, "--code", code, "--name", "laptop",
             "--folder", str(folder), "--processes", "2"],
            cwd=ROOT, stdout=output, stderr=output, env={**os.environ, "SONIQUEBAY_LOG_TASKS": "on"},
        )  # fmt: skip
    wait_until(lambda: " ready." in log.read_text() or process.poll() is not None, 60)
    assert process.poll() is None, log.read_text()
    return process


def test_the_vectors_of_another_machine_are_the_same(stack: Stack, tmp_path: Path) -> None:
    stack.scan()
    here = vectors(stack)
    assert len(here) == len(CODECS)
    folder, log = tmp_path / "laptop", tmp_path / "worker.log"
    process = join(stack, folder, log)
    try:
        wait_until(lambda: json.loads(stack.cli("workers", "--json").stdout)["items"][0]["seen_at"], 30)
        with stack.frozen("worker"):  # what comes now comes from the other machine
            forget_vectors(stack)
            wait_until(lambda: len(vectors(stack)) >= len(here) - MAX_QUEUED_VECTORS_SHARED > 0, 60)
        wait_until(lambda: len(vectors(stack)) == len(here), 60)
        for track_id, vector in vectors(stack).items():
            np.testing.assert_array_equal(vector, here[track_id])
        assert log.read_text().count("succeeded") >= len(here) - MAX_QUEUED_VECTORS_SHARED
        assert "is left to the appliance" not in log.read_text()
        # It gets nothing that was not leased to it.
        credentials = read_credentials(folder)
        assert credentials is not None
        appliance = Appliance(credentials, folder)
        track_id = next(iter(here))
        for method, path, body in (
            ("GET", f"/worker/tracks/{track_id}/file", None),
            ("DELETE", f"/worker/tracks/{track_id}", None),
            ("PUT", f"/worker/tracks/{track_id}/vector", {"version": 2, "data": ""}),
        ):
            with pytest.raises(NotOursError, match="409"):
                appliance.request(method, path, json=body)
        for path in ("/internal/vectors/1", "/api/tracks", "/"):
            with pytest.raises(NotOursError, match="404"):
                appliance.request("GET", path)
        # The worker proxy goes on for another one, so this one hears why it is let in no longer.
        code = json.loads(stack.cli("join-code", "--json").stdout)["code"]
        remote_workers.join(stack.url, code, "desk", tmp_path / "desk")
        stack.cli("workers", "revoke", "laptop")
        assert process.wait(60) == 1
        assert "Error: 401 this worker was revoked or suspended: join again" in log.read_text()
    finally:
        process.kill()
        process.wait()
    assert (folder / WORKER_FILE).exists()
