"""Tasks for tests, loaded by `tests.support.worker_program`: each writes when, where and what it ran to a file."""

import logging
import os
import time
from pathlib import Path

from soniquebay.pipeline.task import stage

_kept: list[bytearray] = []


def note(log: str, *words: object) -> None:
    # One write of a short line to a file opened for appending is whole.
    with Path(log).open("a") as file:
        file.write(" ".join(map(str, (time.time(), os.getpid(), *words))) + "\n")


@stage("test.work")
def work(log: str, label: str, seconds: float = 0.0) -> None:
    note(log, "start", label)
    time.sleep(seconds)
    note(log, "end", label)


@stage("test.gate")
def gate(log: str, label: str, gate: str) -> None:
    """Work until a file is there."""
    note(log, "start", label)
    while not Path(gate).exists():
        time.sleep(0.05)
    note(log, "end", label)


@stage("test.burn")
def burn(log: str, label: str, seconds: float) -> None:
    note(log, "start", label)
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    note(log, "end", label)


@stage("test.grow")
def grow(log: str, label: str, mib: int) -> None:
    _kept.append(bytearray(os.urandom(1 << 20) * mib))
    note(log, "end", label)


@stage("test.warn")
def warn(log: str, label: str) -> None:
    logging.getLogger(__name__).warning("warned in %s", label)
    note(log, "end", label)
