"""Reading many files with a few threads, and files that hang."""

import threading
import time

from soniquebay.pipeline.thread_pool import DeadlineThreadPool


def test_results_have_the_order_of_the_items() -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return 10 * item

    pool = DeadlineThreadPool(slow_first, lambda item: -1, timeout_seconds=5)
    assert pool.run(list(range(50)), 2) == [10 * i for i in range(50)]
    assert pool.run([], 2) == []
    assert pool.abandoned_threads == 0


def test_two_threads_read_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=5)
    DeadlineThreadPool(lambda item: meeting.wait(), lambda item: -1, timeout_seconds=5).run([1, 2], 2)
    assert not meeting.broken


def test_only_the_files_that_hang_fail() -> None:
    released = threading.Event()

    def read(item: int) -> int:
        if item in {3, 4, 7}:
            released.wait(20)
        return item

    pool = DeadlineThreadPool(read, lambda item: -item, timeout_seconds=0.2)
    started = time.monotonic()
    assert pool.run(list(range(10)), 2) == [0, 1, 2, -3, -4, 5, 6, -7, 8, 9]
    assert pool.abandoned_threads == 3
    assert time.monotonic() - started < 5
    released.set()
