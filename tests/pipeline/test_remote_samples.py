"""A worker on another machine lies, in all that it brings or in one value. It is found out and has brought nothing."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soniquebay.cli import remote_workers
from soniquebay.library.remote_vectors import FIRST_VECTORS
from tests.support.audio_files import tone
from tests.support.lying_tasks import FIELDS
from tests.support.stack import Stack, free_port, wait_until
from tests.support.vectors import forget_vectors, vectors

ROOT = Path(__file__).parents[2]
TRACKS = 2 * FIRST_VECTORS + 10  # this machine's own worker has some of them already
WORDS = {
    "sound_tags": "sound tags",
    "acoustic_fingerprint": "acoustic fingerprint",
    "bpm": "tempo",
    "musical_key": "key",
}


@contextmanager
def scanned(folder: Path, tracks: int) -> Iterator[Stack]:
    """Run a stack over so many tones, which are scanned and analysed."""
    music = folder / "music"
    music.mkdir()
    for number in range(tracks):
        tone(music / f"{number}.flac", frequency=200 + 20 * number, title=f"Song {number}", artist="A", album="B")
    stack = Stack(music, folder / "data", SONIQUEBAY_WORKER_PROXY_PORT=str(free_port()))
    try:
        stack.scan()
        assert len(vectors(stack)) == tracks
        yield stack
    finally:
        stack.stop()


def join_code(stack: Stack) -> str:
    return str(json.loads(stack.cli("join-code", "--json").stdout)["code"])


def listed(stack: Stack, name: str) -> dict[str, Any]:
    """Return what is listed of a worker."""
    items = json.loads(stack.cli("workers", "--json").stdout)["items"]
    return next((one for one in items if one["name"] == name), {"is_present": False})


class Liar:
    """A worker that lies; `lie` as `tests.support.lying_worker` takes it."""

    def __init__(self, stack: Stack, name: str, lie: str, folder: Path) -> None:
        self.name, self.log = name, folder / f"{name}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.lying_worker", stack.url, join_code(stack), name,
                 str(folder / name), lie],
                cwd=ROOT, stdout=output, stderr=output, env={**os.environ, "SONIQUEBAY_LOG_TASKS": "on"},
            )  # fmt: skip
        self.stack = stack

    def __enter__(self) -> "Liar":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def wait_until_present(self) -> None:
        wait_until(lambda: self.process.poll() is not None or self.listed()["is_present"], 60)
        assert self.process.poll() is None, self.log.read_text()

    def listed(self) -> dict[str, Any]:
        return listed(self.stack, self.name)


def test_a_worker_that_lies_is_found_out(tmp_path: Path) -> None:
    other = tone(tmp_path / "other.mp3", frequency=3000)
    with scanned(tmp_path, TRACKS) as stack:
        truth = vectors(stack)
        # The worker proxy goes on for this one, so the other one hears why it is let in no longer.
        remote_workers.join(stack.url, join_code(stack), "desk", tmp_path / "desk")
        with Liar(stack, "liar", str(other), tmp_path) as liar:
            liar.wait_until_present()
            with stack.frozen("worker"):  # nothing is compared yet
                forget_vectors(stack)
                wait_until(lambda: liar.listed()["analysed"] >= FIRST_VECTORS, 60)
                brought = vectors(stack)
                assert len(brought) >= FIRST_VECTORS
                assert not any(np.array_equal(vector, truth[track_id]) for track_id, vector in brought.items())
            wait_until(lambda: liar.listed()["suspended_at"], 60)
            assert liar.process.wait(60) == 1
            assert "this worker was revoked or suspended: join again" in liar.log.read_text()
        wait_until(lambda: len(vectors(stack)) == TRACKS, 60)
        for track_id, vector in vectors(stack).items():
            np.testing.assert_array_equal(vector, truth[track_id])
        said = stack.cli("workers").stdout
        assert "liar: joined" in said
        assert "differs from that of this machine in" in said


def rows(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(stack.data / "library.db")) as db:
        return db.execute(query).fetchall()


def analysed_values(stack: Stack) -> list[tuple[Any, ...]]:
    """Return what a worker brings of each track, as it is stored."""
    return rows(
        stack,
        "SELECT track_id, v.data, bpm, bpm_confidence, musical_key, t.probabilities, f.data FROM vectors v "
        "LEFT JOIN sound_tags t USING (track_id) LEFT JOIN acoustic_fingerprints f USING (track_id) ORDER BY track_id",
    )


@pytest.mark.slow
def test_workers_that_lie_in_one_value_are_found_out(tmp_path: Path) -> None:
    tracks = 2 * len(FIELDS) * FIRST_VECTORS
    with scanned(tmp_path, tracks) as stack, ExitStack() as running:
        truth = analysed_values(stack)
        remote_workers.join(stack.url, join_code(stack), "desk", tmp_path / "desk")
        liars = [running.enter_context(Liar(stack, field.replace("_", "-"), field, tmp_path)) for field in FIELDS]
        for liar in liars:
            liar.wait_until_present()
        for _ in range(2):  # a wrong tempo or key takes two samples
            active = {liar: liar.listed()["analysed"] for liar in liars if not liar.listed()["suspended_at"]}
            with stack.frozen("worker"):
                forget_vectors(stack)
                for liar, before in active.items():
                    wait_until(lambda liar=liar, n=before + FIRST_VECTORS: liar.listed()["analysed"] >= n, 120)
            wait_until(lambda: rows(stack, "SELECT count(*) FROM tracks WHERE NOT analysed") == [(0,)], 120)
        for liar, field in zip(liars, FIELDS, strict=True):
            because = liar.listed()["suspended_because"]
            assert because and because.endswith(f"differs from that of this machine in {WORDS[field]}"), liar.name
        assert analysed_values(stack) == truth
