"""Redis or the disk is full, or the API does not answer: no file is lost, and the logs name the cause."""

from pathlib import Path

import pytest

from soniquebay.pipeline import library_api
from tests.faults.cases import STAGES
from tests.faults.shortage import fill_disk_at, fill_redis_at, suspend_api_at
from tests.support.small_disk import needs_root


@pytest.mark.parametrize("stage", [None, *STAGES])
def test_nothing_is_lost_when_redis_is_full_for_a_while(tmp_path: Path, stage: str | None) -> None:
    fill_redis_at(tmp_path, stage, 8)


@needs_root
@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_lost_when_the_disk_of_the_api_is_full_for_a_while(tmp_path: Path, stage: str) -> None:
    fill_disk_at(tmp_path, stage, 8, redis_too=False)


@needs_root
@pytest.mark.parametrize("stage", ["extract", "vector"])
def test_nothing_is_lost_when_the_disk_of_all_programs_is_full_for_a_while(tmp_path: Path, stage: str) -> None:
    fill_disk_at(tmp_path, stage, 8, redis_too=True)


@pytest.mark.parametrize("stage", ["insert", "vector"])
def test_nothing_is_lost_when_the_api_does_not_answer_for_longer_than_one_request_waits(
    tmp_path: Path, stage: str
) -> None:
    assert library_api.REQUEST_TIMEOUT_SECONDS < 63 < library_api.MAX_WAIT_SECONDS
    suspend_api_at(tmp_path, stage, 63)
