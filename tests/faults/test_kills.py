"""Programs are killed with SIGKILL at every stage: in the end each file is one track with its vector."""

from pathlib import Path

import pytest

from tests.faults.cases import STAGES, VICTIMS, kill_at, lose_response_to_insert


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("victim", VICTIMS)
def test_nothing_is_lost_when_a_program_is_killed(tmp_path: Path, stage: str, victim: str) -> None:
    kill_at(tmp_path, stage, victim)


def test_an_insert_whose_response_is_lost_is_applied_once(tmp_path: Path) -> None:
    lose_response_to_insert(tmp_path)
