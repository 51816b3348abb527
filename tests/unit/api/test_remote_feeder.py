"""What workers on other machines have, and have no longer."""

import time
from pathlib import Path

import pytest

from soniquebay.api import remote_feeder
from soniquebay.api.remote_feeder import HEARTBEATS_UNTIL_LOST, MESSAGE_LOST_AFTER_SECONDS, RemoteFeeder
from soniquebay.authority import Authority
from soniquebay.library import leases, queries
from soniquebay.library.database import Database
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.remote_workers import PRESENCE_SECONDS, RemoteWorkers
from tests.unit.songs import file, insert


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Feeding:
    """A feeder without a broker: nothing new is given, because a scan is paused."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "library.db")
        self.database.migrate()
        insert(self.database, *(file(f"/m/{n}.flac") for n in range(4)))
        listeners = ListenersDatabase(folder / "listeners.db")
        listeners.migrate()
        with listeners.transaction() as db:
            db.execute("INSERT INTO remote_workers VALUES ('a', '1', x'00', '1', 0, NULL, NULL, NULL)")
        self.clock = Clock()
        self.workers = RemoteWorkers(
            listeners, Authority(folder / "authority"), folder / "allowed-workers", 1, self.clock
        )
        self.queued = 0
        self.feeder = RemoteFeeder(self.database, self.workers, set, lambda queue: self.queued)

    def lease(self, count: int, seconds_ago: float) -> list[int]:
        with self.database.transaction() as db:
            return [row["id"] for row in leases.take(db, "a", count, (), time.time() - seconds_ago)]

    def refill(self) -> int:
        self.feeder.refill(is_delayed=True)
        return leases.count_of(self.database.reader(), "a")

    def hear(self, busy: list[int]) -> None:
        """Hear from the worker, which is busy with these tracks."""
        self.clock.now += 15
        self.workers.note_seen("a", 1, busy)

    def waiting_here(self) -> set[int]:
        return {row["id"] for row in queries.unanalysed_tracks(self.database.reader(), 99)}


@pytest.fixture
def feeding(tmp_path: Path) -> Feeding:
    return Feeding(tmp_path)


def test_what_was_lost_on_the_way_is_analysed_here(feeding: Feeding) -> None:
    first, second = feeding.lease(2, MESSAGE_LOST_AFTER_SECONDS + 5)
    (young,) = feeding.lease(1, MESSAGE_LOST_AFTER_SECONDS - 5)
    feeding.queued = 1
    for _ in range(HEARTBEATS_UNTIL_LOST + 1):
        feeding.hear([first])
        assert feeding.refill() == 3  # what is not with the worker may be in its queue
    feeding.queued = 0
    assert feeding.refill() == 3
    for _ in range(HEARTBEATS_UNTIL_LOST - 1):
        feeding.hear([first])
        assert feeding.refill() == feeding.refill() == 3
    feeding.hear([first])
    assert feeding.refill() == 2
    assert second in feeding.waiting_here()
    assert not {first, young} & feeding.waiting_here()
    with feeding.database.transaction() as db:
        assert second not in {row["id"] for row in leases.take(db, "a", 9, (), time.time())}


def test_a_message_that_was_taken_late_is_not_lost(feeding: Feeding) -> None:
    for _ in range(HEARTBEATS_UNTIL_LOST + 1):  # its queue has been empty for long
        feeding.hear([])
        assert feeding.refill() == 0
    (track,) = feeding.lease(1, MESSAGE_LOST_AFTER_SECONDS + 5)
    feeding.queued = 1
    feeding.hear([])
    assert feeding.refill() == 1
    feeding.queued = 0  # the worker has just taken it, after another track that took long
    assert feeding.refill() == 1
    for busy in ([], [track], [track], [track]):  # the first was written just before
        feeding.hear(busy)
        assert feeding.refill() == 1


def test_a_worker_that_takes_no_messages_gets_no_more(feeding: Feeding, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(remote_feeder, "send_many_to", lambda queue, task, arguments: sent.extend(map(str, arguments)))
    feeding.workers.note_seen("a", 1)
    feeding.queued = 2
    assert feeding.feeder.refill(is_delayed=False) == 0
    feeding.queued = 1
    assert feeding.feeder.refill(is_delayed=False) == len(sent) == 2


def test_a_worker_without_a_word_loses_its_tracks(feeding: Feeding) -> None:
    taken = feeding.lease(2, 1.0)
    assert feeding.refill() == 2  # after a start of the API nobody has said anything yet
    feeding.clock.now += PRESENCE_SECONDS - 1
    feeding.workers.note_seen("a", 1, taken)
    feeding.clock.now += PRESENCE_SECONDS - 1
    assert feeding.refill() == 2
    feeding.clock.now += 2
    assert feeding.refill() == 0
    assert set(taken) <= feeding.waiting_here()


def test_a_revoked_worker_loses_its_tracks_at_once(feeding: Feeding) -> None:
    feeding.clock.now += PRESENCE_SECONDS + 1
    taken = feeding.lease(2, 1.0)
    feeding.workers.note_seen("a", 1, taken)
    assert feeding.refill() == 2
    feeding.workers.revoke("a")
    assert feeding.refill() == 0
