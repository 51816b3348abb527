"""Whatever is killed with -9, at every stage: in the end each file is one track with its vector."""

from pathlib import Path

import pytest

from tests.faults.cases import STAGES, VICTIMS, killed_at


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("victim", VICTIMS)
def test_nothing_is_lost_when_killed(tmp_path: Path, stage: str, victim: str) -> None:
    killed_at(tmp_path, stage, victim)
