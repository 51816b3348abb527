"""What is killed, and when: one case is one scan."""

import os
import signal
import time
from pathlib import Path

from tests.faults import library
from tests.faults.supervisor import Supervised

STAGES = {"discovery": "scan", "extract": "extract", "batch": "batch", "insert": "insert", "vector": "vector"}
VICTIMS = ("child", "worker", "api", "redis", "all")
FILES = 150


def kill(stack: Supervised, victim: str) -> None:
    if victim == "child":
        pid = stack.child()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return
    for name in ("worker", "api", "redis") if victim == "all" else (victim,):
        stack.signal(name, signal.SIGKILL, group=True)


def reach(stack: Supervised, stage: str) -> None:
    """Wait until a task of a stage is in the worker's hand."""
    deadline = time.monotonic() + 60
    while STAGES[stage] not in stack.in_hand():
        assert time.monotonic() < deadline, f"{stage} never seen"


def killed_at(folder: Path, stage: str, victim: str) -> None:
    """Kill a program, or all, while a stage is at work, and see that nothing is lost."""
    titles = library.make(folder / "music", FILES)
    stack = Supervised(folder / "music", folder / "data")
    try:
        stack.scan()
        reach(stack, stage)
        kill(stack, victim)
        library.wait_until_whole(stack, titles)
    finally:
        stack.stop()
