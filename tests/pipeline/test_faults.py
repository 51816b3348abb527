"""A few of the faults of `make faults`, so that `make test` includes them."""

from pathlib import Path

import pytest

from tests.faults.cases import kill_at
from tests.faults.shortage import fill_redis_at

pytestmark = pytest.mark.slow


def test_nothing_is_lost_when_all_programs_are_killed_at_once(tmp_path: Path) -> None:
    kill_at(tmp_path, "extract", "all")


def test_nothing_is_lost_when_redis_is_full_as_a_scan_begins(tmp_path: Path) -> None:
    fill_redis_at(tmp_path, None, 2)
