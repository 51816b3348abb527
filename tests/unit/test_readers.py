"""Many files on a few threads, and one that hangs."""

import threading
import time

from soniquebay.pipeline.thread_pool import DeadlineThreadPool


def test_results_come_in_the_order_of_the_items() -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return 10 * item

    readers = DeadlineThreadPool(slow_first, lambda item: -1, deadline=5)
    assert readers.run(list(range(50)), 2) == [10 * i for i in range(50)]
    assert readers.run([], 2) == []
    assert readers.hanging == 0


def test_two_threads_read_at_once() -> None:
    meeting = threading.Barrier(2, timeout=5)
    DeadlineThreadPool(lambda item: meeting.wait(), lambda item: -1, deadline=5).run([1, 2], 2)
    assert not meeting.broken


def test_a_file_that_hangs_costs_itself_alone() -> None:
    released = threading.Event()

    def read(item: int) -> int:
        if item in {3, 4, 7}:
            released.wait(20)
        return item

    readers = DeadlineThreadPool(read, lambda item: -item, deadline=0.2)
    began = time.monotonic()
    assert readers.run(list(range(10)), 2) == [0, 1, 2, -3, -4, 5, 6, -7, 8, 9]
    assert readers.hanging == 3
    assert time.monotonic() - began < 5
    released.set()
