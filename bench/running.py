"""A stack for a benchmark: fresh or with a library that is scanned already, and scans as an operator starts them."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import shipped
from bench.checks import check_listing
from bench.library import Library, library
from bench.report import say
from image import cache
from image.paths import ROOT
from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library.similarity import map_places
from tests.support.stack import Stack

NAME = "library.db"


@contextmanager
def running(music: Path | Sequence[Path], scanned: Path | None = None) -> Iterator[Stack]:
    """Run a stack in a temporary folder, on a copy of the data folder `scanned` if there is one."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # else the programs outlive us
    with tempfile.TemporaryDirectory(prefix="soniquebay-bench-") as folder:
        data = Path(folder) / "data"
        if scanned is not None:
            shutil.copytree(scanned, data)
        stack = Stack(music, data, shipped.python(), SONIQUEBAY_LOG_TASKS="off")
        try:
            yield stack
        finally:
            if stack.process.poll() is None:
                stack.stop()


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan by the command line, as its caller sees it."""

    seconds: float  # from the start of the command to its end
    cpu: float  # of the command itself, s
    summary: dict[str, Any]


def scan(stack: Stack, wait: str = "--wait") -> Scan:
    """Run `soniquebay scan --wait --json`; raises ``AssertionError`` unless it completed without a failure."""
    command = [stack.python, "-m", "soniquebay.cli", "scan", wait, "--json"]
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

    Analysing 100,000 tracks would take long: their vectors are random numbers, written while the stack is down.
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
        snapshot(stack, data)
    finish(data)
    with running(lib.root, data) as quiet:
        check_listing(quiet.url, lib.tracks)


def snapshot(stack: Stack, data: Path) -> None:
    """Copy the library as it is at this moment; raises ``AssertionError`` when the database is damaged."""
    data.mkdir()
    with closing(sqlite3.connect(stack.data / NAME)) as source, closing(sqlite3.connect(data / NAME)) as copy:
        source.backup(copy)
        assert copy.execute("PRAGMA quick_check").fetchone() == ("ok",)


def finish(data: Path) -> None:
    """Leave nothing to do for the worker, in the database of a stack that is down: vectors are random numbers.

    Each track has a place on the map, by chance, too, and counts as measured.
    """
    with closing(sqlite3.connect(data / NAME)) as db, db:
        db.row_factory = sqlite3.Row
        rng = np.random.default_rng(1)
        tracks = [row[0] for row in db.execute("SELECT id FROM tracks")]
        db.execute("DELETE FROM vectors")
        rows = (
            (track, FEATURE_VERSION, rng.standard_normal(VECTOR_SIZE, np.float32).astype("<f4").tobytes())
            for track in tracks
        )
        db.executemany("INSERT INTO vectors (track_id, version, data) VALUES (?, ?, ?)", rows)
        db.execute("UPDATE albums SET cover_checked = 1, cover_media_type = NULL")
        db.execute("UPDATE tracks SET measured = 1")
        places = rng.integers(map_places.MAX_COORDINATE, size=(len(tracks), 2)).tolist()
        layout = map_places.begin(db)
        map_places.store(db, layout, ((track, x, y) for track, (x, y) in zip(tracks, places, strict=True)))
        map_places.finish(db, layout, FEATURE_VERSION, map_places.ALGORITHM_VERSION)
