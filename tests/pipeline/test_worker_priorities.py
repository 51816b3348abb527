"""A new file goes before thousands of vectors, and no class of tasks starves."""

import time

import pytest

from soniquebay.overrides.priorities import POLLS_PER_LOW_FIRST, POLLS_PER_YIELD
from soniquebay.worker.config import PRIORITY_STEPS
from tests.support.stack import wait_until
from tests.support.workers import Bench

pytestmark = pytest.mark.slow


def order(bench: Bench) -> str:
    """Return the first letter of each started task's label, in the order in which they began."""
    return "".join(label[0] for _, _, label in bench.noted("start"))


def test_a_high_task_starts_at_once_while_thousands_of_medium_ones_wait(bench: Bench) -> None:
    bench.start()
    bench.send("test.work", "vector", [f"m{n}" for n in range(3000)], seconds=0.2)
    wait_until(lambda: bench.processes() == 4 and len(bench.noted("start")) > 8)
    waits = []
    for n in range(5):
        bench.send("test.work", "scan", [f"h{n}"])
        sent = time.time()
        wait_until(lambda n=n: bench.count("start")[f"h{n}"])
        waits.append(max(at for at, _, label in bench.noted("start") if label == f"h{n}") - sent)
    assert max(waits) < 1.0  # of 12 s of vectors and more that stand before it
    assert bench.redis.llen("soniquebay:vector\x06\x165") > 2000


def test_under_constant_high_load_the_others_go_on_at_their_share(bench: Bench) -> None:
    for queue, letter in (("scan", "h"), ("vector", "m"), ("covers", "l")):
        bench.send("test.work", queue, [f"{letter}{n}" for n in range(1000)])
    bench.start()
    wait_until(lambda: len(order(bench)) > 700, 60)
    first = order(bench)[:640]
    # All but the first are served in turn, one of POLLS_PER_YIELD tasks; four processes blur the order a little.
    expected = 640 / POLLS_PER_YIELD / (len(PRIORITY_STEPS) - 1)
    assert first.count("h") >= 640 * (1 - 1 / POLLS_PER_YIELD) - 2
    for letter in "ml":
        assert abs(first.count(letter) - expected) <= 2
        assert first.index(letter) <= 2 * POLLS_PER_YIELD + 4


def test_low_tasks_go_on_while_medium_ones_wait(bench: Bench) -> None:
    for queue, letter in (("vector", "m"), ("covers", "l")):
        bench.send("test.work", queue, [f"{letter}{n}" for n in range(1000)])
    bench.start()
    wait_until(lambda: len(order(bench)) > 500, 60)
    share = order(bench)[:480].count("l") / 480
    # every LOW_EVERYth, but for the turns in which the medium class goes first over a high one
    assert 0.8 / POLLS_PER_LOW_FIRST < share < 1.1 / POLLS_PER_LOW_FIRST
