"""A worker on another machine lies: it brings the vector of another sound. It is found out and has brought nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from soniquebay.cli import remote_workers
from soniquebay.library.remote_vectors import FIRST_VECTORS
from tests.support.audio_files import tone
from tests.support.stack import Stack, free_port, wait_until
from tests.support.vectors import forget_vectors, vectors

ROOT = Path(__file__).parents[2]
TRACKS = 2 * FIRST_VECTORS + 10  # this machine's own worker has some of them already


def listed(stack: Stack) -> dict[str, Any]:
    """Return what is listed of the worker that lies."""
    items = json.loads(stack.cli("workers", "--json").stdout)["items"]
    return next((one for one in items if one["name"] == "liar"), {"is_present": False})


def test_a_worker_that_lies_is_found_out(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for number in range(TRACKS):
        tone(music / f"{number}.flac", frequency=200 + 20 * number, title=f"Song {number}", artist="A", album="B")
    other = tone(tmp_path / "other.mp3", frequency=3000)
    stack = Stack(music, tmp_path / "data", SONIQUEBAY_WORKER_PROXY_PORT=str(free_port()))
    try:
        stack.scan()
        truth = vectors(stack)
        assert len(truth) == TRACKS
        codes = [json.loads(stack.cli("join-code", "--json").stdout)["code"] for _ in range(2)]
        # The worker proxy goes on for this one, so the other one hears why it is let in no longer.
        remote_workers.join(stack.url, codes[0], "desk", tmp_path / "desk")
        log = tmp_path / "liar.log"
        with log.open("wb") as output:
            liar = subprocess.Popen(
                [sys.executable, "-m", "tests.support.lying_worker", stack.url, codes[1], "liar",
                 str(tmp_path / "liar"), str(other)],
                cwd=ROOT, stdout=output, stderr=output, env={**os.environ, "SONIQUEBAY_LOG_TASKS": "on"},
            )  # fmt: skip
        try:
            wait_until(lambda: liar.poll() is not None or listed(stack)["is_present"], 60)
            assert liar.poll() is None, log.read_text()
            with stack.frozen("worker"):  # nothing is compared yet
                forget_vectors(stack)
                wait_until(lambda: listed(stack)["analysed"] >= FIRST_VECTORS, 60)
                brought = vectors(stack)
                assert len(brought) >= FIRST_VECTORS
                assert not any(np.array_equal(vector, truth[track_id]) for track_id, vector in brought.items())
            wait_until(lambda: listed(stack)["suspended_at"], 60)
            assert liar.wait(60) == 1
            assert "this worker was revoked or suspended: join again" in log.read_text()
        finally:
            liar.kill()
            liar.wait()
        wait_until(lambda: len(vectors(stack)) == TRACKS, 60)
        for track_id, vector in vectors(stack).items():
            np.testing.assert_array_equal(vector, truth[track_id])
        said = stack.cli("workers").stdout
        assert "liar: joined" in said
        assert "differs from that of this machine in" in said
    finally:
        stack.stop()
