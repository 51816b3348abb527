"""Scans during which Redis or the disk is full for a while, or the API does not answer."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.cases import scanning
from tests.faults.supervisor import Supervised
from tests.support.small_disk import full_disk, small_disk


@contextmanager
def full_redis(stack: Supervised) -> Iterator[None]:
    """Have Redis refuse all commands that need memory for the duration of the block."""
    stack.redis.config_set("maxmemory", "100kb")
    try:
        yield
    finally:
        stack.redis.config_set("maxmemory", "256mb")


def fill_redis_at(folder: Path, stage: str | None, seconds: float) -> None:
    """Fill Redis during a stage, or before the scan is requested (None)."""
    with scanning(folder / "music", folder / "data", stage) as stack, full_redis(stack):
        if stage is None:
            stack.scan()
        time.sleep(seconds)
    assert "Redis is full" in stack.log("worker").read_text() + stack.log("api").read_text()


def fill_disk_at(folder: Path, stage: str, seconds: float, *, redis_too: bool) -> None:
    """Fill the disk during a stage: only that of the API, or the one of the API and Redis."""
    with small_disk(folder / "data") as data:
        if not redis_too:
            (folder / "redis").mkdir()
            (data / "redis").symlink_to(folder / "redis")
        (folder / "logs").mkdir()
        (data / "logs").symlink_to(folder / "logs")
        with scanning(folder / "music", data, stage) as stack, full_disk(data):
            time.sleep(seconds)
        assert "the disk is full" in stack.log("api").read_text()


def suspend_api_at(folder: Path, stage: str, seconds: float) -> None:
    """Suspend the API's process during a stage: connections succeed, but no request is answered."""
    with scanning(folder / "music", folder / "data", stage) as stack:
        stack.signal("api", signal.SIGSTOP)
        time.sleep(seconds)
        stack.signal("api", signal.SIGCONT)
