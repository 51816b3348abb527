"""A few of the faults of `make faults`, so that `make test` includes them."""

from pathlib import Path

import pytest

from tests.faults.cases import kill_at
from tests.faults.shortage import fill_redis_at

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("stage", "victim"), [("extract", "all"), ("batch", "redis"), ("insert", "worker")])
def test_nothing_is_lost_when_killed(tmp_path: Path, stage: str, victim: str) -> None:
    kill_at(tmp_path, stage, victim)


def test_nothing_is_lost_when_redis_is_full_as_a_scan_begins(tmp_path: Path) -> None:
    fill_redis_at(tmp_path, None, 2)
