"""Queues that are kept filled from the database."""

from collections.abc import Sequence
from typing import Any

import pytest

from soniquebay.api import queue_feeder


class Rows:
    """A table of waiting rows and a queue that takes them."""

    def __init__(self, count: int) -> None:
        self.waiting = [{"id": i} for i in range(1, count + 1)]
        self.queue: list[int] = []
        self.accepts = True
        self.queue_feeder = queue_feeder.QueueFeeder("q", 10, lambda db, limit: self.waiting[:limit], self.send)

    def send(self, rows: Sequence[dict[str, Any]]) -> bool:
        if self.accepts:
            self.queue += [row["id"] for row in rows]
        return self.accepts

    def refill(self, waiting: int | None = None) -> int:
        return self.queue_feeder.refill(None, len(self.queue) if waiting is None else waiting)  # type: ignore[arg-type]

    def work(self, count: int) -> bool:
        done, self.queue = self.queue[:count], self.queue[count:]
        self.waiting = [row for row in self.waiting if row["id"] not in done]
        return self.queue_feeder.mark_done(done)


def test_a_queue_gets_a_handful_and_more_when_half_is_done() -> None:
    rows = Rows(100)
    assert rows.refill() == 10
    assert rows.refill() == 0
    assert not rows.work(4)
    assert rows.work(1)
    assert rows.refill() == 5
    assert rows.queue == list(range(6, 16))


def test_everything_is_sent_once_in_the_end() -> None:
    rows, seen = Rows(57), []
    while rows.refill() or rows.queue:
        seen += rows.queue[:7]
        rows.work(7)
    assert seen == list(range(1, 58))


def test_a_lost_row_is_sent_again_after_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows(3)
    assert rows.refill() == 3
    rows.queue.clear()  # as in a Redis that has lost its data
    assert rows.refill() == 0
    monkeypatch.setattr(queue_feeder, "TASK_LOST_AFTER_SECONDS", -1.0)
    assert rows.refill() == 3


def test_a_row_without_a_message_counts_as_lost_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows(3)
    rows.refill()
    rows.queue.clear()
    monkeypatch.setattr(queue_feeder, "MESSAGE_LOST_AFTER_SECONDS", -1.0)
    assert rows.queue_feeder.refill(None, 0, has_unacknowledged=True) == 0  # type: ignore[arg-type]
    assert rows.queue_feeder.refill(None, 0, has_unacknowledged=False) == 3  # type: ignore[arg-type]


def test_messages_of_an_earlier_process_are_used_up_first() -> None:
    rows = Rows(5)
    assert rows.refill(waiting=4) == 0
    assert rows.refill(waiting=0) == 5


def test_rows_that_redis_refused_are_sent_again() -> None:
    rows = Rows(5)
    rows.accepts = False
    assert rows.refill() == 0
    rows.accepts = True
    assert rows.refill() == 5
