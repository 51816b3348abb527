"""No task is lost or done twice, whatever is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from soniquebay.procfs import process_instance
from tests.support.stack import children, wait_until
from tests.support.workers import ROOT, Bench, settle

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
    wait_until(lambda: not any(process_instance(pid) for pid in pids), 5)  # none works on
    bench.start()
    wait_until(lambda: len(bench.noted("start")) == 8, 15)
    gate.touch()
    wait_until(lambda: len(bench.noted("end")) == 4)
    settle(1)
    assert bench.count("start") == dict.fromkeys(labels("t", 4), 2)
    assert bench.count("end") == dict.fromkeys(labels("t", 4), 1)
    wait_until(lambda: bench.keys("*unacked*") == [])


def of_two_busy_workers(bench: Bench, gate: Path, *settings: str) -> set[str]:
    """Start two workers, have both work until the gate opens, and return the tasks of the second.

    `settings`: those of the first.
    """
    bench.start(1, *settings)
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
    of_second = of_two_busy_workers(bench, gate, "restore_interval_seconds=2")
    bench.kill(2)
    gate.touch()
    wait_until(lambda: len(bench.noted("end")) == 8, 45)
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
    wait_until(lambda: bench.keys("*unacked*") == [], 10)


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
    wait_until(lambda: bench.keys("*unacked*") == [])
    assert bench.count("end") == dict.fromkeys(labels("t", 4), 1)
    assert len(bench.noted("start")) == 4
    assert process.poll() is None
    bench.send("test.work", "scan", ["after"])
    wait_until(lambda: bench.count("end")["after"])


def test_an_idle_worker_comes_back_to_redis_once(bench: Bench) -> None:
    bench.start()
    bench.kill_redis()
    bench.start_redis()
    wait_until(lambda: bench.log().read_text().count("Connected to") == 2)
    settle(2)
    assert bench.log().read_text().count("Connected to") == 2  # not again for what is left of the old connection
    bench.send("test.work", "scan", ["after"])
    wait_until(lambda: bench.count("end")["after"])


def test_a_connection_that_breaks_while_redis_lives_has_no_task_run_twice(bench: Bench) -> None:
    """As Redis itself breaks that of a worker which is slow to read the events of others."""
    bench.start()
    gate = bench.folder / "gate"
    bench.send("test.gate", "scan", labels("t", 4), gate=str(gate))
    wait_until(lambda: len(bench.noted("start")) == 4)
    lose_connection(bench)
    gate.touch()
    wait_until(lambda: len(bench.noted("end")) == 4)
    wait_until(lambda: bench.keys("*unacked*") == [])
    settle(1)
    assert bench.count("start") == bench.count("end") == dict.fromkeys(labels("t", 4), 1)


def test_a_message_handed_over_as_a_connection_breaks_is_not_lost(bench: Bench) -> None:
    """It lies in the connection on which the worker waits for tasks while the one beside it breaks."""
    worker = bench.start()
    for n in range(6):  # which of the two the worker looks at first is open
        wait_until(lambda: bench.keys("*unacked*") == [])
        lose_connection(bench, f"""
os.kill({worker.pid}, signal.SIGSTOP)
{LOSE}
app.send_task('test.work', kwargs={{'log': {str(bench.notes)!r}, 'label': 't{n}'}}, queue='scan', priority=0)
os.kill({worker.pid}, signal.SIGCONT)
""")  # fmt: skip
        wait_until(lambda n=n: bench.count("end")[f"t{n}"], 10)
    settle(1)
    assert bench.count("start") == bench.count("end") == dict.fromkeys(labels("t", 6), 1)


LOSE = "assert broker.client_kill_filter(_type='pubsub') == 1"


def lose_connection(bench: Bench, how: str = LOSE) -> None:
    """Have Redis close the connection on which the worker hears what is said to all, and wait for the new one."""
    connected = bench.log().read_text().count("Connected to")
    code = (
        "import os, redis, signal\n"
        "from soniquebay.settings import settings\n"
        "from soniquebay.worker.app import app\n"
        "broker = redis.Redis.from_url(settings().redis)\n"
        "app.connection_for_write().connect()\n"  # what takes its time is done before
    )
    subprocess.run([sys.executable, "-c", code + how], cwd=ROOT, env=bench.environment, check=True, timeout=60)
    wait_until(lambda: bench.log().read_text().count("Connected to") > connected)


def test_redis_killed_while_processes_are_started_loses_no_task_that_was_not_begun(bench: Bench) -> None:
    bench.start()
    names = labels("t", 12)
    bench.send("test.work", "scan", names, seconds=1)
    wait_until(lambda: bench.noted("start"))
    bench.kill_redis()
    settle(1)
    bench.start_redis()
    wait_until(lambda: len(bench.count("end")) == 12, 60)
    wait_until(lambda: bench.keys("*unacked*") == [], 10)


def test_a_message_that_redis_could_not_note_comes_back(bench: Bench) -> None:
    """The worker has been sent it, and Redis ends before the worker notes that it is unacknowledged."""
    bench.start()
    pid = bench.workers[1].pid
    bench.send("test.work", "scan", ["before"])
    wait_until(lambda: bench.count("end") == {"before": 1})
    os.kill(pid, signal.SIGSTOP)
    bench.send("test.work", "scan", ["sent"])
    wait_until(lambda: bench.redis.llen("soniquebay:scan") == 0)
    bench.kill_redis()
    os.kill(pid, signal.SIGCONT)
    settle(1)
    bench.start_redis()
    wait_until(lambda: bench.count("end") == {"before": 1, "sent": 1})
    wait_until(lambda: bench.keys("*unacked*") == [], 10)


def test_a_warm_stop_gives_the_running_tasks_back(bench: Bench) -> None:
    process = bench.start()
    bench.send("test.work", "scan", labels("t", 4), seconds=30)
    wait_until(lambda: len(bench.noted("start")) == 4)
    began = time.monotonic()
    process.terminate()
    process.wait(40)
    assert time.monotonic() - began < 30
    assert bench.redis.llen("soniquebay:scan") == 4
    assert bench.keys("*unacked*") == []


def test_a_worker_waits_while_redis_takes_nothing(bench: Bench) -> None:
    """Its memory is full, or its disk: then it refuses reads of queues, too, because they remove messages."""
    bench.start()
    pid = bench.workers[1].pid
    gate = bench.folder / "gate"
    bench.send("test.gate", "scan", ["busy"], gate=str(gate))
    wait_until(lambda: len(bench.noted("start")) == 1)
    os.kill(pid, signal.SIGSTOP)
    bench.send("test.gate", "scan", labels("t", 3), gate=str(gate))
    bench.redis.config_set("maxmemory", "1")
    os.kill(pid, signal.SIGCONT)
    gate.touch()
    wait_until(lambda: "waiting, because Redis takes nothing" in bench.log().read_text())
    settle(3)
    assert bench.workers[1].poll() is None
    bench.redis.config_set("maxmemory", "0")
    wait_until(lambda: len(bench.noted("end")) == 4)
    settle(1)
    assert bench.count("end") == dict.fromkeys(["busy", *labels("t", 3)], 1)
    assert bench.workers[1].poll() is None
    wait_until(lambda: bench.keys("*unacked*") == [])
