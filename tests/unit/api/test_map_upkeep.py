"""When the task of the map is sent: not while one waits or runs, with pauses, and ever more rarely if it fails."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from unittest.mock import Mock

import numpy as np
import pytest

from soniquebay.api import paced_task
from soniquebay.api.map_upkeep import TASK, MapUpkeep
from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library.database import Database
from soniquebay.library.similarity import map_places, vectors
from tests.unit.songs import file, insert


class Clock:
    """Stands in for `time` in the module."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(paced_task, "time", SimpleNamespace(monotonic=found.monotonic))
    return found


@pytest.fixture
def dispatcher() -> Mock:
    """Give the only part that speaks to Redis."""
    return Mock(**{"send.return_value": True, "has_messages.return_value": False,
                   "analysis_is_delayed.return_value": False})  # fmt: skip


@pytest.fixture
def upkeep(tmp_path: Path, dispatcher: Mock, clock: Clock) -> Iterator[MapUpkeep]:
    database = Database(tmp_path / "library.db")
    database.migrate()
    insert(database, file("/r/a.flac", title="A"))
    with database.transaction() as db:
        vectors.store(db, 1, FEATURE_VERSION, np.ones(VECTOR_SIZE, "<f4").tobytes(), None)
    yield MapUpkeep(database, dispatcher)


def test_a_task_is_sent_when_nothing_speaks_against_it(upkeep: MapUpkeep, dispatcher: Mock) -> None:
    dispatcher.has_messages.return_value = True
    upkeep.run()
    dispatcher.has_messages.return_value = False
    dispatcher.analysis_is_delayed.return_value = True
    upkeep.run()
    dispatcher.send.assert_not_called()
    dispatcher.analysis_is_delayed.return_value = False
    upkeep.run()
    dispatcher.send.assert_called_once_with(TASK)


def test_a_task_that_does_not_report_its_end_is_sent_ever_more_rarely(
    upkeep: MapUpkeep, dispatcher: Mock, clock: Clock
) -> None:
    sent_at = []
    for _ in range(1000):
        before = dispatcher.send.call_count
        upkeep.run()
        if dispatcher.send.call_count > before:
            sent_at.append(clock.now)
        clock.now += 1
    assert [b - a for a, b in pairwise(sent_at)] == [60, 120, 240, 480]


def test_after_a_task_there_is_a_pause_and_then_nothing_is_to_do(
    upkeep: MapUpkeep, dispatcher: Mock, clock: Clock, tmp_path: Path
) -> None:
    upkeep.run()
    upkeep.progress = 0.5
    upkeep.finished(7.0)
    assert upkeep.progress is None
    clock.now += 6
    upkeep.run()
    assert dispatcher.send.call_count == 1
    clock.now += 2
    upkeep.run()
    assert dispatcher.send.call_count == 2  # the track still has no place
    database = Database(tmp_path / "library.db")
    with database.transaction() as db:
        layout = map_places.begin(db)
        map_places.store(db, layout, [(1, 5, 5)])
        map_places.finish(db, layout, FEATURE_VERSION, map_places.ALGORITHM_VERSION)
    upkeep.finished(0.0)
    clock.now += 10
    upkeep.run()
    clock.now += 1e6
    reads = dispatcher.has_messages.call_count
    upkeep.run()
    assert (dispatcher.send.call_count, dispatcher.has_messages.call_count) == (2, reads)  # until something is marked
    with database.transaction() as db:
        vectors.store(db, 1, FEATURE_VERSION, np.zeros(VECTOR_SIZE, "<f4").tobytes(), None)
    upkeep.mark_outdated()
    upkeep.run()
    assert dispatcher.send.call_count == 3


@pytest.mark.parametrize(("analysed", "cpu_seconds", "pause_seconds"), [(0, 7, 70), (1, 7, 7), (1, 70, 700)])
def test_the_pause_is_short_once_no_track_waits_for_its_analysis(
    upkeep: MapUpkeep, clock: Clock, analysed: int, cpu_seconds: float, pause_seconds: float
) -> None:
    with upkeep._database.transaction() as db:
        db.execute("UPDATE tracks SET analysed = ?", (analysed,))
    sent = cast(Mock, upkeep._dispatcher.send)
    upkeep.run()
    upkeep.finished(cpu_seconds)
    clock.now += pause_seconds - 1
    upkeep.run()
    assert sent.call_count == 1
    clock.now += 2
    upkeep.run()
    assert sent.call_count == 2
