"""Redis' file is damaged during a scan: Redis starts, no file is lost, and whoever manages the appliance is told."""

from pathlib import Path

import pytest

from tests.faults.cases import damage_redis_at


@pytest.mark.parametrize("stage", ["discovery", "insert", "vector"])
def test_a_damaged_file_of_redis_is_set_aside_and_the_scan_completes(tmp_path: Path, stage: str) -> None:
    (sentence,) = damage_redis_at(tmp_path, stage, within_a_message=False)
    assert "Redis' files were damaged" in sentence
    assert (tmp_path / "data/redis/appendonlydir.damaged-1").exists()


@pytest.mark.parametrize("stage", ["extract", "vector"])
def test_the_scan_completes_although_a_message_in_redis_is_damaged(tmp_path: Path, stage: str) -> None:
    assert damage_redis_at(tmp_path, stage, within_a_message=True) == []
