"""A checkout without the learned model: no file is blamed, everybody says what to do, and nothing is lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import soniquebay
from soniquebay.audio.learned import model_file
from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow
MISSING = "The learned model is missing"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a copy of the package that has no model."""
    source, folder = Path(soniquebay.__file__).parent, tmp_path_factory.mktemp("package")
    ignore = shutil.ignore_patterns("model", "__pycache__")
    shutil.copytree(source, folder / "soniquebay", ignore=ignore)
    return folder


@pytest.fixture(scope="module")
def without_model(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    music = tmp_path_factory.mktemp("music")
    tone(music / "One.flac", seconds=2, title="One")
    tone(music / "Two.flac", seconds=2, title="Two")
    stack = Stack(music, tmp_path_factory.mktemp("data"), PYTHONPATH=str(package))
    try:
        stack.cli("scan", "--wait")
        yield stack
    finally:
        stack.stop()


def worker_log(stack: Stack) -> str:
    return (stack.data / "logs" / "worker.log").read_text()


def command(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "soniquebay.cli", *arguments],
        check=False, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(package)},
    )  # fmt: skip


def test_no_analysis_is_sent_and_loudness_does_not_wait_for_it(without_model: Stack) -> None:
    track = f"/api/tracks/{without_model.tracks()['One']['id']}"
    wait_until(lambda: without_model.get(track)["loudness"], 60)
    assert "vector.measure_loudness[" in worker_log(without_model)
    assert "vector.calculate[" not in worker_log(without_model)


def test_the_worker_says_it_once_and_blames_no_file(without_model: Stack) -> None:
    track = without_model.tracks()["One"]["id"]
    for _ in range(2):  # as messages that were in Redis when the file went
        without_model.send("vector.calculate", track_id=track, path=str(without_model.music / "One.flac"))
    wait_until(lambda: worker_log(without_model).count(f"track {track} is left for later") == 2, 60)
    assert worker_log(without_model).count(MISSING) == 1
    found = without_model.get(f"/api/tracks/{track}")
    assert (found["has_vector"], found["vector_failure"]) == (False, None)


def test_health_and_whoever_asks_are_told(without_model: Stack) -> None:
    health = without_model.get("/api/health")
    assert health["status"] == "ok"  # an upgrade or a restart would not help
    assert [warning for warning in health["warnings"] if MISSING in warning and "make model" in warning]
    track = without_model.tracks()["One"]["id"]
    answer = httpx.post(f"{without_model.url}/api/tracks/{track}/vector", timeout=30)
    assert answer.status_code == 503
    assert "make model" in answer.json()["detail"]


def test_the_doctor_says_what_to_do(without_model: Stack, package: Path) -> None:
    done = command(package, "doctor", "--data", str(without_model.data), "--json")
    findings = {(finding["check"], finding["state"]) for finding in json.loads(done.stdout)["findings"]}
    assert ("model", "wrong") in findings, done.stdout


def test_a_worker_elsewhere_does_not_join_without_it(package: Path, tmp_path: Path) -> None:
    """So the join code is not used up."""
    done = command(package, "worker", "--join", "http://127.0.0.1:1", "--code", "1", "--folder", str(tmp_path))
    assert done.returncode == 1
    assert MISSING in done.stderr


def test_tracks_are_analysed_once_the_model_is_there(without_model: Stack, package: Path) -> None:
    """The last test of this stack: no program is started again."""
    waiting = subprocess.Popen(
        [sys.executable, "-m", "soniquebay.cli", "scan", "--wait-vectors"],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "SONIQUEBAY_URL": without_model.url},
    )  # fmt: skip
    try:
        assert waiting.stderr is not None
        assert MISSING in waiting.stderr.readline()
        place = package / model_file.PATH.parent.relative_to(Path(soniquebay.__file__).parents[1])
        shutil.copytree(model_file.PATH.parent, place)
        assert waiting.wait(120) == 0
    finally:
        waiting.kill()
    assert all(without_model.get(f"/api/tracks/{t['id']}")["has_vector"] for t in without_model.tracks().values())
    assert not without_model.get("/api/health")["warnings"]
