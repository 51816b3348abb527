"""How many processes a worker has, and when one is replaced."""

import re
import time

import pytest

from soniquebay.log_stream import LogReader
from tests.support.stack import wait_until
from tests.support.workers import Bench

pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_processes_come_with_the_load_and_go_when_idle(bench: Bench) -> None:
    bench.start()
    assert bench.processes() == 1
    bench.send("test.work", "scan", [f"t{n}" for n in range(40)], seconds=0.3)
    wait_until(lambda: bench.processes() == 4, 10)
    assert len(bench.noted("end")) < 20  # all four while there still was work for them
    wait_until(lambda: len(bench.noted("end")) == 40)
    wait_until(lambda: bench.processes() == 1, 25)
    story = [re.sub(r" \(.*", "", line.rpartition("autoscale ")[2])
             for line in bench.log().read_text().splitlines() if "autoscale " in line]  # fmt: skip
    assert story[0].startswith("1 -> 2: 2 tasks, memory allows 4")
    assert [line.split(":")[0] for line in story[:3]] == ["1 -> 2", "2 -> 3", "3 -> 4"]
    assert story[-1].endswith("not needed for 10 s")


def test_one_task_at_a_time_needs_one_process(bench: Bench) -> None:
    bench.start()
    for n in range(5):
        bench.send("test.work", "scan", [f"t{n}"])
        wait_until(lambda n=n: bench.count("end")[f"t{n}"])
    assert bench.processes() == 1


def test_an_idle_process_gives_the_memory_of_its_work_back(bench: Bench) -> None:
    bench.start()
    bench.send("test.grow", "scan", ["first"], mib=100)
    wait_until(lambda: bench.count("end")["first"])
    ((_, used, _),) = bench.noted("end")
    wait_until(lambda: "autoscale renews 1 idle" in bench.log().read_text(), 25)
    # that is said before the fresh process is there: one process counts only after the old one has gone
    wait_until(lambda: "autoscale 2 -> 1" in bench.log().read_text(), 25)
    wait_until(lambda: bench.processes() == 1)
    bench.send("test.grow", "scan", ["small"], mib=1)
    wait_until(lambda: bench.count("end")["small"], 15)
    fresh = bench.noted("end")[-1][1]
    assert fresh != used
    time.sleep(25)  # one that kept little stays
    bench.send("test.work", "scan", ["last"])
    wait_until(lambda: bench.count("end")["last"])
    assert bench.noted("end")[-1][1] == fresh
    assert bench.log().read_text().count("autoscale renews") == 1


def test_a_process_that_has_grown_beyond_500_mb_is_replaced_after_its_task(bench: Bench) -> None:
    bench.start()
    bench.send("test.grow", "scan", ["small"], mib=100)
    wait_until(lambda: bench.count("end")["small"])
    bench.send("test.grow", "scan", ["large"], mib=600)
    wait_until(lambda: bench.count("end")["large"])
    bench.send("test.work", "scan", ["after"])
    wait_until(lambda: bench.count("end")["after"], 15)
    pids = {label: pid for _, pid, label in bench.noted("end")}
    assert pids["small"] == pids["large"] != pids["after"]
    assert "exceeding memory limit" in bench.log().read_text()


def test_a_process_is_replaced_after_its_number_of_tasks(bench: Bench) -> None:
    bench.start(1, "worker_max_tasks_per_child=5")
    for n in range(12):  # one by one: else there are several processes
        bench.send("test.work", "scan", [f"t{n}"])
        wait_until(lambda n=n: bench.count("end")[f"t{n}"], 15)
    pids = [pid for _, pid, _ in bench.noted("end")]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [5, 5, 2]


def test_a_process_that_is_replaced_sends_its_last_lines_to_the_page(bench: Bench) -> None:
    bench.start(1, "worker_max_tasks_per_child=1")
    for n in range(3):
        bench.send("test.warn", "scan", [f"t{n}"])
        wait_until(lambda n=n: bench.count("end")[f"t{n}"], 15)
    reader = LogReader(f"unix://{bench.socket}")

    def told() -> set[tuple[str, str, str]]:
        return {(line.program, line.task, line.message) for line in reader.lines_since(0, "warning")}

    expected = {("worker", "test.warn", f"warned in t{n}") for n in range(3)}
    wait_until(lambda: told() >= expected, 10)
