"""Whatever is killed with -9, at every stage: in the end each file is one track with its vector."""

from pathlib import Path

import pytest

from tests.faults.cases import STAGES, VICTIMS, answer_to_an_insert_lost, killed_at


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("victim", VICTIMS)
def test_nothing_is_lost_when_killed(tmp_path: Path, stage: str, victim: str) -> None:
    killed_at(tmp_path, stage, victim)


def test_an_insert_whose_answer_was_lost_is_applied_once(tmp_path: Path) -> None:
    answer_to_an_insert_lost(tmp_path)
