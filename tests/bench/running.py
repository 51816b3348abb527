"""A stack for a benchmark: fresh or with a library that is scanned already, and scans as an operator starts them."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from image import cache
from image.paths import ROOT
from soniquebay.audio.features import SIZE, VERSION
from tests.bench.checks import check_listing
from tests.bench.library import Library, library
from tests.bench.report import say
from tests.stack import Stack


@contextmanager
def running(music: Path, scanned: Path | None = None) -> Iterator[Stack]:
    """Run a stack in a temporary folder, on a copy of the data folder `scanned` if there is one."""
    with tempfile.TemporaryDirectory(prefix="soniquebay-bench-") as folder:
        data = Path(folder) / "data"
        if scanned is not None:
            shutil.copytree(scanned, data)
        stack = Stack(music, data)
        try:
            yield stack
        finally:
            stack.stop()


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan by the command line, as its caller sees it."""

    seconds: float  # from the start of the command to its end
    cpu: float  # of the command itself, s
    summary: dict[str, Any]


def scan(stack: Stack, wait: str = "--wait") -> Scan:
    """Run `soniquebay scan --wait --json`; raises ``AssertionError`` unless it completed without a failure."""
    command = [sys.executable, "-m", "soniquebay.cli", "scan", wait, "--json"]
    environment = {**os.environ, "SONIQUEBAY_URL": stack.url}
    began = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )  # fmt: skip
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)  # waited for above, for the sake of its usage
    assert process.returncode == 0, output
    summary = json.loads(output)
    assert (summary["status"], summary["failures"]) == ("completed", 0), summary
    return Scan(seconds, usage.ru_utime + usage.ru_stime, summary)


@contextmanager
def scanned(count: int) -> Iterator[tuple[Stack, Library]]:
    """Run a stack whose library of `count` files is scanned and checked, with nothing left to do.

    Analysing 100,000 tracks would take an hour: their vectors are random numbers written while the stack is down.
    """
    lib = library(count)
    key = cache.digest(str(lib.root), Path(__file__), *sorted((ROOT / "app/soniquebay").rglob("*.*")))
    data = cache.make(f"bench/scanned-{count}", key, "", lambda partial: _scan_once(partial, lib))
    with running(lib.root, data) as stack:
        yield stack, lib


def _scan_once(data: Path, lib: Library) -> None:
    say(f"First scan of {len(lib.tracks)} files, to be measured on later …")
    with running(lib.root) as stack:
        scan(stack)
        check_listing(stack.url, lib.tracks)
        live = stack.data
        shutil.copytree(live, data, ignore=shutil.ignore_patterns("library.db*"))
        with (
            closing(sqlite3.connect(live / "library.db")) as source,
            closing(sqlite3.connect(data / "library.db")) as copy,
        ):
            source.backup(copy)
    for name in ("redis", "logs"):  # the tasks that wait there are done below
        shutil.rmtree(data / name)
    with closing(sqlite3.connect(data / "library.db")) as db, db:
        rng = np.random.default_rng(1)
        tracks = [row[0] for row in db.execute("SELECT id FROM tracks")]
        db.execute("DELETE FROM vectors")
        rows = ((track, VERSION, rng.standard_normal(SIZE, np.float32).astype("<f4").tobytes()) for track in tracks)
        db.executemany("INSERT INTO vectors (track_id, version, data) VALUES (?, ?, ?)", rows)
        db.execute("UPDATE albums SET cover_done = 1, cover = NULL")
        db.execute("UPDATE tracks SET genres_done = 1")
