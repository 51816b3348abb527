"""Memory (PSS) of API, Redis, Flower and worker: idle, and during first scans of growing size: `make bench-memory`."""

import argparse
import os
import time
from typing import Any

from bench import report
from bench.library import library
from bench.processes import CHILDREN, PROGRAMS
from bench.running import running, scan, scanned
from bench.sampler import BUSY, TOTAL, Sampler
from tests.support.stack import Stack, wait_until

SIZES = (1000, 10_000, 100_000)
WANTED = {"busy": 1000.0, "idle": 350.0}  # MB
SETTLE = 20.0  # seconds before and during which an idle stack is looked at
HEADER = ("", *PROGRAMS, CHILDREN, "sum of all", "children")


def first_scan(count: int, analysing: float) -> Sampler:
    """Sample a first scan, then `analysing` seconds of the vectors that follow it, all children busy."""
    lib = library(count)
    with running(lib.root) as stack, Sampler(stack) as sampler:
        sampler.mark("before")
        time.sleep(5)
        sampler.mark("scan")
        result = scan(stack)
        assert result.summary["tracks"] == count, result.summary
        sampler.mark("vectors")
        deadline = time.monotonic() + analysing
        while time.monotonic() < deadline and _progress(stack, result.summary["session_id"])["phase"] != "done":
            time.sleep(2)
        return sampler


def idle(count: int) -> Sampler:
    """Sample a stack that has `count` tracks and nothing to do: as it starts, and after it was used."""
    with scanned(count) as (stack, _), Sampler(stack) as sampler:
        sampler.mark("starting")
        time.sleep(SETTLE)
        sampler.mark("idle")
        time.sleep(SETTLE)
        sampler.mark("used")
        stack.get("/api/search", q="love")
        for path in ("/api/tracks", "/api/albums", "/api/artists", "/api/worker", "/api/queues"):
            stack.get(path)
        stack.get(f"/api/tracks/{stack.get('/api/tracks')['items'][0]['id']}/similar")
        again = scan(stack)
        assert again.summary["tracks"] == count, again.summary
        # The autoscaler ends idle children one by one, every half a minute.
        wait_until(lambda: sampler.samples[-1][2][BUSY] <= 1, 300)
        sampler.mark("quiet again")
        time.sleep(SETTLE)
        return sampler


def _progress(stack: Stack, session_id: int) -> dict[str, Any]:
    progress: dict[str, Any] = stack.get(f"/api/scan-sessions/{session_id}")["progress"]
    return progress


def main() -> None:
    """Measure, print, and write build/bench/memory.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options.add_argument("--analysing", type=float, default=90.0, help="seconds of vectors after each scan")
    chosen = options.parse_args()
    os.environ["SONIQUEBAY_PROCESSES"] = "4"  # as many as on a Pi, whatever this machine has
    runs = {f"first scan of {count}": first_scan(count, chosen.analysing) for count in chosen.sizes}
    largest = max(chosen.sizes)
    runs[f"{largest} tracks, no work"] = idle(largest)
    rows: list[tuple[Any, ...]] = []
    result: dict[str, Any] = {}
    for name, sampler in runs.items():
        phases = list(dict.fromkeys(phase for _, phase, _ in sampler.samples if phase))
        peaks = {phase: sampler.peaks(phase) for phase in phases}
        rows += [
            (f"{name}: {phase}", *(p[key] for key in (*PROGRAMS, CHILDREN, TOTAL, BUSY))) for phase, p in peaks.items()
        ]
        result[name] = {"peaks": peaks, "samples": sampler.samples}
        report.say(f"\n{name} (PSS of all; {', '.join(f'{p[0].upper()}: {p}' for p in phases)})\n{sampler.chart()}")
    report.table("Peaks of PSS, MB", HEADER, rows)
    busy = max(row[-2] for row in rows if not row[0].startswith(f"{largest} tracks"))
    quiet = {phase: result[f"{largest} tracks, no work"]["peaks"][phase][TOTAL] for phase in ("idle", "quiet again")}
    report.say(
        f"asked: under {WANTED['busy']:.0f} MB busy, measured {busy:.0f}; under {WANTED['idle']:.0f} idle, {quiet}"
    )
    report.save("memory", {"runs": result, "busy_mb": busy, "idle_mb": quiet})


if __name__ == "__main__":
    main()
