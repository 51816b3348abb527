"""What is killed, and when: one case is one scan."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults import library
from tests.faults.supervisor import Supervised
from tests.stack import wait_until

STAGES = {"discovery": "scan", "extract": "extract", "batch": "batch", "insert": "insert", "vector": "vector"}
FORGOTTEN = "redis and its file"
VICTIMS = ("child", "worker", "api", "redis", FORGOTTEN, "all")
FILES = 150


@contextmanager
def scanning(music: Path, data: Path, stage: str | None) -> Iterator[Supervised]:
    """Give a stack whose scan has come to a stage, None for one to be started; in the end nothing may be lost."""
    titles = library.make(music, FILES)
    stack = Supervised(music, data)
    try:
        if stage:
            stack.scan()
            reach(stack, stage)
        yield stack
        library.wait_until_whole(stack, titles)
    finally:
        stack.stop()


def reach(stack: Supervised, stage: str) -> None:
    """Wait until a task of a stage is in the worker's hand."""
    deadline = time.monotonic() + 60
    while STAGES[stage] not in stack.queues_with_unacknowledged():
        assert time.monotonic() < deadline, f"{stage} never seen"


def kill(stack: Supervised, victim: str) -> None:
    if victim == "child":
        pid = stack.child()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    elif victim == FORGOTTEN:
        stack.end("redis")
        shutil.rmtree(stack.data / "redis" / "appendonlydir")  # it comes back, and knows nothing
    elif victim == "redis":
        stack.end("redis")
    else:
        for name in ("worker", "api", "redis") if victim == "all" else (victim,):
            stack.signal(name, signal.SIGKILL, group=True)


def killed_at(folder: Path, stage: str, victim: str) -> None:
    """Kill a program, or all, while a stage is at work, and see that nothing is lost."""
    with scanning(folder / "music", folder / "data", stage) as stack:
        kill(stack, victim)
        if victim in {"redis", FORGOTTEN}:
            wait_until(stack.redis_answers)
            assert stack.healthy()  # at the first look: no connection to the Redis that is gone is used again


def answer_to_an_insert_lost(folder: Path) -> None:
    """Kill the worker while the API has its insert and has not answered; it comes again, and is applied once."""
    with scanning(folder / "music", folder / "data", "batch") as stack:
        stack.signal("api", signal.SIGSTOP)
        wait_until(lambda: "insert" in stack.queues_with_unacknowledged())
        time.sleep(1)  # the request lies in the socket
        stack.end("worker")
        stack.signal("api", signal.SIGCONT)
    assert "was inserted before, so it is not inserted again" in stack.log("worker").read_text()
