"""Scans during which programs are killed."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults import library
from tests.faults.supervisor import Supervised
from tests.support.stack import wait_until

STAGES = {"discovery": "scan", "extract": "extract", "batch": "batch", "insert": "insert", "vector": "vector"}
REDIS_AND_DATA = "redis and its data"
VICTIMS = ("child", "worker", "api", "redis", REDIS_AND_DATA, "all")
FILE_COUNT = 150
DAMAGED_BYTES = 64


@contextmanager
def scanning(music: Path, data: Path, stage: str | None) -> Iterator[Supervised]:
    """Give a stack whose scan has reached a stage, or has not begun (None); then check that no file is lost."""
    titles = library.make(music, FILE_COUNT)
    stack = Supervised(music, data)
    try:
        if stage:
            stack.scan()
            wait_until_stage(stack, stage)
        yield stack
        library.wait_until_complete(stack, titles)
    finally:
        stack.stop()


def wait_until_stage(stack: Supervised, stage: str) -> None:
    """Wait until the worker has an unacknowledged task of a stage."""
    deadline = time.monotonic() + 60
    while STAGES[stage] not in stack.queues_with_unacknowledged():
        assert time.monotonic() < deadline, f"the scan did not reach {stage}"


def kill(stack: Supervised, victim: str) -> None:
    if victim == "child":
        pid = stack.child()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    elif victim == REDIS_AND_DATA:
        stack.end("redis")
        shutil.rmtree(stack.data / "redis" / "appendonlydir")  # Redis starts again without data
    elif victim == "redis":
        stack.end("redis")
    else:
        for name in ("worker", "api", "redis") if victim == "all" else (victim,):
            stack.signal(name, signal.SIGKILL, group=True)


def kill_at(folder: Path, stage: str, victim: str) -> None:
    """Kill a program, or all of them, during a stage, and check that no file is lost."""
    with scanning(folder / "music", folder / "data", stage) as stack:
        kill(stack, victim)
        if victim in {"redis", REDIS_AND_DATA}:
            wait_until(stack.redis_answers)
            assert stack.healthy()  # in the first request: the API uses no connection of the killed Redis


def damage_redis_at(folder: Path, stage: str, *, within_a_message: bool) -> list[str]:
    """Kill Redis during a stage and overwrite 64 bytes in the middle of its file; return what the next start said.

    Within a message the file is still one that Redis reads.
    """
    with scanning(folder / "music", folder / "data", stage) as stack:
        stack.end("redis")
        file = max((stack.data / "redis" / "appendonlydir").glob("*.incr.aof"), key=lambda path: path.stat().st_size)
        content = file.read_bytes()
        if within_a_message:
            message = max(content.split(b"\r\n"), key=len)
            at = content.index(message) + len(message) // 2
        else:
            at = content.index(b"\r\n*", len(content) // 2)
        with file.open("r+b") as opened:
            opened.seek(at)
            opened.write(b"?" * DAMAGED_BYTES)
        wait_until(stack.redis_answers)
        wait_until(stack.healthy)
        assert stack.get("/api/health")["warnings"] == stack.redis_sentences
    return stack.redis_sentences


def lose_response_to_insert(folder: Path) -> None:
    """Kill the worker before the API answers its insert, and check that the repeated insert is applied once."""
    with scanning(folder / "music", folder / "data", "batch") as stack:
        stack.signal("api", signal.SIGSTOP)
        wait_until(lambda: "insert" in stack.queues_with_unacknowledged())
        time.sleep(1)  # until the request is in the socket
        stack.end("worker")
        stack.signal("api", signal.SIGCONT)
    assert "was inserted before, so it is not inserted again" in stack.log("api").read_text()
