"""How many child processes the memory allows and the tasks need."""

import pytest

from soniquebay.overrides.autoscaler import (
    CHILD_MB,
    IDLE_SECONDS,
    MAX_PRESSURE_PERCENT,
    changes_to_report,
    process_limit,
    wanted_processes,
)


@pytest.mark.parametrize(
    ("processes", "free", "reserved", "pressure", "expected"),
    [
        (1, 10 * CHILD_MB, 0, 0.0, 11),
        (1, 2 * CHILD_MB, CHILD_MB, 0.0, 2),  # the one that runs has not taken its share yet
        (2, 2 * CHILD_MB, 2 * CHILD_MB, 0.0, 2),  # so one more process does not make room for a further one
        (4, CHILD_MB - 1, CHILD_MB, 0.0, 3),
        (4, -3 * CHILD_MB, 0, 0.0, 1),
        (1, -3 * CHILD_MB, 0, 0.0, 1),  # one goes on, whatever happens
        (3, 10 * CHILD_MB, 0, MAX_PRESSURE_PERCENT + 1, 2),
        (1, 10 * CHILD_MB, 0, MAX_PRESSURE_PERCENT + 1, 1),
        (3, -CHILD_MB * 2, 0, MAX_PRESSURE_PERCENT + 1, 1),
    ],
)
def test_the_process_limit_follows_the_memory(
    processes: int, free: int, reserved: int, pressure: float, expected: int
) -> None:
    assert process_limit(processes, free, reserved, pressure).processes == expected


def test_the_limit_gives_its_reason() -> None:
    assert process_limit(3, 1000, 0, 25.0).reason == "memory pressure 25 %"
    assert process_limit(1, 1000, 90, 0.0).reason == "1000 MB free, 90 MB of them reserved"


@pytest.mark.parametrize(
    ("processes", "tasks", "idle", "highest", "expected"),
    [
        (1, 0, 99.0, 4, 1),
        (1, 1, 0.0, 4, 1),  # one task needs one process
        (1, 2, 0.0, 4, 2),
        (1, 4, 0.0, 4, 4),  # at once, not one by one
        (2, 4, 0.0, 3, 3),
        (4, 0, IDLE_SECONDS - 1, 4, 4),
        (4, 0, IDLE_SECONDS, 4, 1),
        (4, 2, IDLE_SECONDS, 4, 2),
        (4, 4, 0.0, 2, 2),  # memory is short: busy or not
        (4, 0, 0.0, 3, 3),
    ],
)
def test_how_many_processes_there_should_be(
    processes: int, tasks: int, idle: float, highest: int, expected: int
) -> None:
    assert wanted_processes(processes, tasks, idle, 1, highest) == expected


@pytest.mark.parametrize(
    ("before", "after", "highest", "is_first", "newly_limited", "expected"),
    [
        (1, 1, 4, True, False, [("start", 1)]),
        (1, 3, 4, True, False, [("start", 1), ("tasks", 3)]),  # tasks waited when the worker started
        (2, 1, 1, True, False, [("start", 2), ("memory", 1)]),
        (1, 1, 1, True, True, [("start", 1), ("memory", 1)]),
        (1, 1, 4, False, False, [("none", 1)]),
        (1, 3, 4, False, False, [("tasks", 3)]),
        (3, 1, 4, False, False, [("idle", 1)]),
        (3, 2, 2, False, False, [("memory", 2)]),
        (2, 2, 2, False, True, [("memory", 2)]),
        (1, 2, 2, False, True, [("tasks", 2)]),
    ],
)
def test_what_a_check_reports(
    *, before: int, after: int, highest: int, is_first: bool, newly_limited: bool, expected: list[tuple[str, int]]
) -> None:
    assert changes_to_report(before, after, highest, is_first=is_first, newly_limited=newly_limited) == expected
