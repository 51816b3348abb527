"""What workers say of themselves: those on other machines are not asked for the health of this one, nor believed."""

from typing import Any

import pytest

from soniquebay.api import health, inspection

ANSWERS: dict[str, dict[str, Any]] = {
    "stats": {
        "worker1@pi": {"pool": {"processes": [11, 12]}},
        "remote@desk": {"pool": {"processes": [7]}},
        "remote@liar1": "x",
        "remote@liar2": {"pool": {"processes": ["x"]}},
        "remote@liar3": {"pool": {"processes": [1]}},
    },
    "active": {
        "worker1@pi": [{"name": "scan.discovery"}],
        "remote@desk": [{"name": "vector.calculate"}],
        "remote@liar1": 1,
        "remote@liar3": 1,
    },
}


def test_only_tasks_of_this_machine_keep_its_worker_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "inspect", ANSWERS.get)
    assert inspection.active_tasks() == ["scan.discovery"]


def test_nonsense_of_a_worker_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "inspect", ANSWERS.get)
    states = health._worker_state()["workers"]
    assert {name: (state.processes, state.active) for name, state in states.items()} == {
        "worker1@pi": ([11, 12], 1),
        "remote@desk": ([7], 1),
    }
