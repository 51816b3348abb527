"""Redis full, the disk full, the API silent: nothing is lost, and the logs say what it was."""

import os
from pathlib import Path

import pytest

from soniquebay.pipeline import library_api
from tests.faults.cases import STAGES
from tests.faults.shortage import api_silent_at, disk_full_at, redis_full_at

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the small disk that is filled here")


@pytest.mark.parametrize("stage", [None, *STAGES])
def test_redis_is_full_for_a_while(tmp_path: Path, stage: str | None) -> None:
    redis_full_at(tmp_path, stage, 8)


@as_root
@pytest.mark.parametrize("stage", STAGES)
def test_the_disk_of_the_api_is_full_for_a_while(tmp_path: Path, stage: str) -> None:
    disk_full_at(tmp_path, stage, 8, redis_too=False)


@as_root
@pytest.mark.parametrize("stage", ["extract", "vector"])
def test_the_one_disk_of_all_is_full_for_a_while(tmp_path: Path, stage: str) -> None:
    disk_full_at(tmp_path, stage, 8, redis_too=True)


@pytest.mark.parametrize("stage", ["insert", "vector"])
def test_the_api_is_silent_longer_than_one_request_waits(tmp_path: Path, stage: str) -> None:
    assert library_api.REQUEST_TIMEOUT_SECONDS < 63 < library_api.MAX_WAIT_SECONDS
    api_silent_at(tmp_path, stage, 63)
