"""`soniquebay scale` under `serve`, and what Flower and the operator see of the workers."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, children, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def one_track(tmp_path: Path) -> Iterator[Stack]:
    (tmp_path / "music").mkdir()
    tone(tmp_path / "music" / "a.ogg", title="A", artist="B", album="C")
    running = Stack(tmp_path / "music", tmp_path / "data")
    yield running
    running.stop()


def workers(stack: Stack) -> list[str]:
    return sorted(name.split("@")[0] for name in json.loads(stack.cli("status", "--json").stdout)["workers"])


def test_workers_are_added_and_removed(one_track: Stack) -> None:
    data = str(one_track.data)
    assert one_track.cli("scale", "2", "--data", data).stdout == "2 workers\n"
    wait_until(lambda: workers(one_track) == ["worker", "worker2"], 60)
    flower = f"http://127.0.0.1:{one_track.flower_port}"
    wait_until(lambda: sorted(one_track.flower_workers()) == ["worker", "worker2"], 60)
    for facts in one_track.flower_workers().values():
        assert facts["stats"]["autoscaler"].keys() >= {"current", "min", "max", "process_limit", "reason"}
    one_track.scan()
    figures = ("processes", "process_limit", "memory_limited")
    for line in (f"soniquebay_worker_{figure}{{" for figure in figures):
        wait_until(lambda line=line: line in httpx.get(f"{flower}/metrics", timeout=30).text, 90)
    assert one_track.cli("scale", "1", "--data", data).stdout == "1 worker\n"
    assert workers(one_track) == ["worker"]
    assert "worker2" in one_track.cli("logs", "worker", "--data", data).stdout


def test_the_workers_children_have_a_low_priority(one_track: Stack) -> None:
    worker = one_track.program("worker")
    assert os.getpriority(os.PRIO_PROCESS, worker) == os.getpriority(os.PRIO_PROCESS, 0)
    (child,) = children(worker)[:1]
    assert os.getpriority(os.PRIO_PROCESS, child) == 10
    shown = subprocess.run(["ionice", "-p", str(child)], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "idle"


def test_a_number_that_is_not_possible_is_refused_with_a_reason(one_track: Stack, tmp_path: Path) -> None:
    data = str(one_track.data)
    assert "0 is not in the range" in one_track.cli("scale", "0", "--data", data, check=False).stderr
    assert "5 is not in the range" in one_track.cli("scale", "5", "--data", data, check=False).stderr
    (tmp_path / "other").mkdir()
    refused = one_track.cli("scale", "2", "--data", str(tmp_path / "other"), check=False)
    assert refused.returncode == 1
    assert "no `soniquebay serve` runs over" in refused.stderr
    assert refused.stdout == ""
