"""A worker that does not make the check in time: busy with other work, which is no fault, or stuck."""

import pytest

from soniquebay.api import release_check_job
from soniquebay.api.release_check_job import TASK


@pytest.mark.parametrize(
    ("active", "state", "sentence"),
    [
        (["scan.discovery", TASK], "busy", "because it is busy with scan.discovery."),
        ([TASK], "late", "it runs no task at all."),
        ([], "late", "it runs no task at all."),
        (OSError("Redis has gone"), "late", "it runs no task at all."),
    ],
)
def test_a_busy_worker_is_told_from_a_stuck_one(
    monkeypatch: pytest.MonkeyPatch, active: list[str] | OSError, state: str, sentence: str
) -> None:
    def active_tasks() -> list[str]:
        if isinstance(active, OSError):
            raise active
        return active

    monkeypatch.setattr(release_check_job, "active_tasks", active_tasks)
    told = release_check_job._late(120)
    assert (told.state, told.sentence.startswith("The worker has not made the check within 120 s")) == (state, True)
    assert told.sentence.endswith(sentence)
