"""The number of child processes over time, from what the workers report."""

from soniquebay.process_history import SILENT_AFTER_SECONDS, Reason, Report, changes, current

START, NOW = 10_000.0, 13_600.0


def report(at: float, processes: int, reason: Reason = "none", worker: str = "worker@pi") -> Report:
    return Report(at, worker, processes, 4, reason, "1000 MB free")


def told(*reports: Report) -> list[tuple[float, int, str]]:
    return [(change.at, change.processes, change.reason) for change in changes(reports, START, NOW)]


def minutely(start: float, end: float, processes: int) -> list[Report]:
    return [report(at, processes) for at in range(int(start), int(end), 60)]


def test_the_first_change_is_the_state_at_the_start() -> None:
    assert told(report(START - 30, 2), *minutely(START + 30, NOW, 2)) == [(START, 2, "none")]


def test_a_change_has_its_reason_and_what_does_not_change_is_not_told() -> None:
    reports = [report(START - 30, 1), report(START + 10, 4, "tasks"), report(START + 20, 4), report(START + 70, 4)]
    reports += [report(START + 100, 4, "memory"), report(START + 110, 1, "idle"), *minutely(START + 170, NOW, 1)]
    assert told(*reversed(reports)) == [
        (START, 1, "none"), (START + 10, 4, "tasks"), (START + 100, 4, "memory"), (START + 110, 1, "idle"),
    ]  # fmt: skip


def test_a_worker_that_reports_no_more_has_no_processes() -> None:
    reports = [report(START + 10, 3, "start"), *minutely(START + 2000, NOW, 1)]
    assert told(*reports) == [
        (START + 10, 3, "start"), (START + 10 + SILENT_AFTER_SECONDS, 0, "silent"), (START + 2000, 1, "none"),
    ]  # fmt: skip
    assert told(report(START + 10, 3, "start"))[-1] == (START + 10 + SILENT_AFTER_SECONDS, 0, "silent")


def test_the_processes_of_several_workers_count_together() -> None:
    reports = [*minutely(START - 60, NOW, 2), report(START + 130, 1, "start", "worker2@pi")]
    assert told(*reports) == [
        (START, 2, "none"), (START + 130, 3, "start"), (START + 130 + SILENT_AFTER_SECONDS, 2, "silent"),
    ]  # fmt: skip


def test_only_workers_that_report_count_now() -> None:
    reports = [report(NOW - 200, 4, worker="worker2@pi"), report(NOW - 70, 1), report(NOW - 10, 3)]
    assert [(one.worker, one.processes) for one in current(reports, NOW)] == [("worker@pi", 3)]
