"""Redis full, the disk full, the API silent: each for a while, during a scan."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.cases import scanning
from tests.faults.supervisor import Supervised

DISK = "24m"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a small file system of its own; needs root."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Leave not a byte free."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 16, 1 << 12, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def full_redis(stack: Supervised) -> Iterator[None]:
    """Have Redis refuse whatever needs memory."""
    stack.redis.config_set("maxmemory", "100kb")
    try:
        yield
    finally:
        stack.redis.config_set("maxmemory", "256mb")


def redis_full_at(folder: Path, stage: str | None, seconds: float) -> None:
    """Fill Redis while a stage is at work; without one: before the scan is asked for."""
    with scanning(folder / "music", folder / "data", stage) as stack, full_redis(stack):
        if stage is None:
            stack.scan()
        time.sleep(seconds)
    assert "Redis is full" in stack.log("worker").read_text() + stack.log("api").read_text()


def disk_full_at(folder: Path, stage: str, seconds: float, *, redis_too: bool) -> None:
    """Fill the disk of the API, or of all, while a stage is at work."""
    with small_disk(folder / "data") as data:
        if not redis_too:
            (folder / "redis").mkdir()
            (data / "redis").symlink_to(folder / "redis")
        (folder / "logs").mkdir()
        (data / "logs").symlink_to(folder / "logs")
        with scanning(folder / "music", data, stage) as stack, full_disk(data):
            time.sleep(seconds)
        assert "the disk is full" in stack.log("api").read_text()


def api_silent_at(folder: Path, stage: str, seconds: float) -> None:
    """Stop the API's process while a stage is at work: it takes connections and answers none."""
    with scanning(folder / "music", folder / "data", stage) as stack:
        stack.signal("api", signal.SIGSTOP)
        time.sleep(seconds)
        stack.signal("api", signal.SIGCONT)
