"""No task is lost or done twice, whatever is killed."""

import os
import signal
import time
from pathlib import Path

import pytest

from soniquebay.worker.recovery import owner
from tests.stack import children, wait_until
from tests.workers import Bench, settle

pytestmark = pytest.mark.slow


def labels(letter: str, count: int) -> list[str]:
    return [f"{letter}{n}" for n in range(count)]


def test_a_killed_worker_finds_its_tasks_again_at_once(bench: Bench) -> None:
    bench.start()
    gate = bench.folder / "gate"
    bench.send("test.gate", "scan", labels("t", 4), gate=str(gate))
    wait_until(lambda: len(bench.noted("start")) == 4)
    pids = children(bench.workers[1].pid)
    bench.kill()
    wait_until(lambda: not any(owner(pid) for pid in pids), 5)  # none works on
    bench.start()
    wait_until(lambda: len(bench.noted("start")) == 8, 15)
    gate.touch()
    wait_until(lambda: len(bench.noted("end")) == 4)
    settle(1)
    assert bench.count("start") == dict.fromkeys(labels("t", 4), 2)
    assert bench.count("end") == dict.fromkeys(labels("t", 4), 1)
    wait_until(lambda: bench.keys("*taken*") == [])


def of_two_busy_workers(bench: Bench, gate: Path) -> set[str]:
    """Start two workers, have both work until the gate opens, and return the tasks of the second."""
    bench.start(1)
    bench.start(2)
    bench.send("test.gate", "scan", labels("t", 8), gate=str(gate))
    wait_until(lambda: len(bench.noted("start")) == 8)
    pids = children(bench.workers[2].pid)
    tasks = {label for _, pid, label in bench.noted("start") if pid in pids}
    assert len(tasks) == 4
    return tasks


def test_of_two_workers_the_killed_one_gives_back_its_own_tasks_alone(bench: Bench) -> None:
    gate = bench.folder / "gate"
    of_second = of_two_busy_workers(bench, gate)
    bench.kill(2)
    bench.start(2)  # looks at once for what its predecessor had taken
    wait_until(lambda: len(bench.noted("start")) == 12, 15)
    settle(1)
    assert {label for label, times in bench.count("start").items() if times == 2} == of_second
    gate.touch()
    wait_until(lambda: len(bench.noted("end")) == 8)
    settle(1)
    assert len(bench.noted("start")) == 12
    assert bench.count("end") == dict.fromkeys(labels("t", 8), 1)


def test_the_tasks_of_a_worker_that_never_returns_are_given_back_by_another(bench: Bench) -> None:
    gate = bench.folder / "gate"
    of_second = of_two_busy_workers(bench, gate)
    bench.kill(2)
    gate.touch()
    wait_until(lambda: len(bench.noted("end")) == 8, 45)  # it looks every 30 s
    settle(1)
    assert {label for label, times in bench.count("start").items() if times == 2} == of_second
    assert bench.count("end") == dict.fromkeys(labels("t", 8), 1)


def test_a_killed_child_costs_its_task_alone(bench: Bench) -> None:
    bench.start()
    bench.send("test.work", "scan", labels("t", 4), seconds=3)
    wait_until(lambda: len(bench.noted("start")) == 4)
    victim = bench.noted("start")[0]
    os.kill(victim[1], signal.SIGKILL)
    wait_until(lambda: len(bench.noted("end")) == 4, 30)
    settle(1)
    assert bench.count("end") == dict.fromkeys(labels("t", 4), 1)
    assert bench.count("start")[victim[2]] == 2
    assert sum(bench.count("start").values()) == 5


def test_redis_killed_and_started_under_a_busy_worker_costs_nothing(bench: Bench) -> None:
    bench.start()
    names = labels("t", 60)
    bench.send("test.work", "scan", names, seconds=0.5)
    wait_until(lambda: len(bench.noted("end")) >= 8)
    settle(1.1)  # appendfsync everysec: what is younger than a second may be lost with Redis
    bench.kill_redis()
    settle(2)
    bench.start_redis()
    wait_until(lambda: len(bench.count("end")) == 60, 60)
    settle(2)
    assert bench.count("end") == dict.fromkeys(names, 1)
    wait_until(lambda: bench.keys("*taken*") == [], 10)


def test_tasks_that_run_across_a_restart_of_redis_are_acknowledged(bench: Bench) -> None:
    process = bench.start()
    gate = bench.folder / "gate"
    bench.send("test.gate", "scan", labels("t", 4), gate=str(gate))
    wait_until(lambda: len(bench.noted("start")) == 4)
    settle(1.1)
    connected = bench.log().read_text().count("Connected to")
    bench.kill_redis()
    settle(1)
    bench.start_redis()
    wait_until(lambda: bench.log().read_text().count("Connected to") > connected)
    gate.touch()
    wait_until(lambda: bench.keys("*taken*") == [])
    assert bench.count("end") == dict.fromkeys(labels("t", 4), 1)
    assert len(bench.noted("start")) == 4
    assert process.poll() is None
    bench.send("test.work", "scan", ["after"])
    wait_until(lambda: bench.count("end")["after"])


def test_redis_killed_while_processes_are_started_loses_no_task_that_was_not_begun(bench: Bench) -> None:
    bench.start()
    names = labels("t", 12)
    bench.send("test.work", "scan", names, seconds=1)
    wait_until(lambda: bench.noted("start"))
    bench.kill_redis()
    settle(1)
    bench.start_redis()
    wait_until(lambda: len(bench.count("end")) == 12, 60)
    wait_until(lambda: bench.keys("*taken*") == [], 10)


def test_a_warm_stop_gives_the_running_tasks_back(bench: Bench) -> None:
    process = bench.start()
    bench.send("test.work", "scan", labels("t", 4), seconds=30)
    wait_until(lambda: len(bench.noted("start")) == 4)
    began = time.monotonic()
    process.terminate()
    process.wait(40)
    assert time.monotonic() - began < 30
    assert bench.redis.llen("soniquebay:scan") == 4
    assert bench.keys("*taken*") == []
