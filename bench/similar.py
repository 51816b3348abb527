"""How long does `GET /api/tracks/{id}/similar` take in a large library, and what memory does the API need for it?

    python -m bench.similar [--tracks 100000] [--requests 300] [--json FILE]

The real programs run over a database filled with synthetic tracks and vectors. Measured over HTTP on one connection:
first at rest, then while a vector is stored through the API's own socket every 100 ms, as during an analysis. `cpu` is
what the API's process spent on a question, which a busy machine does not change. Needs redis-server.
"""

import argparse
import base64
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library.database import Database
from tests.support.stack import Stack, wait_until

EVERY = 0.1  # seconds between two stored vectors
_CLUSTERS = 2000  # as artists: neighbours that are nearer than the rest


def fill(path: Path, tracks: int) -> None:
    """Make a library of tracks with vectors, in albums of ten and ten albums an artist."""
    database = Database(path)
    database.migrate()
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(_CLUSTERS, VECTOR_SIZE))
    numbers = range(1, tracks + 1)
    with database.transaction() as db:
        db.executemany(
            "INSERT INTO artists (name, normalised_name) VALUES (?1, ?1)",
            ((f"artist {i}",) for i in range(tracks // 100 + 1)),
        )
        db.executemany(
            "INSERT INTO albums (title, normalised_title, artist_id, credit, cover_checked) VALUES (?1, ?1, ?2, ?1, 1)",
            ((f"album {i}", i // 10 + 1) for i in range(tracks // 10 + 1)),
        )
        db.executemany(
            "INSERT INTO tracks (title, artist_id, album_id, duration, format, added_at, path, "
            "size, mtime_ns) VALUES (?, ?, ?, 200, 'FLAC', 0, ?, 1, 1)",
            ((f"track {i}", (i - 1) // 100 + 1, (i - 1) // 10 + 1, f"/music/{i}.flac") for i in numbers),
        )
        for start in range(0, tracks, 1000):
            size = min(1000, tracks - start)
            rows = (centres[rng.integers(_CLUSTERS, size=size)] + rng.normal(size=(size, VECTOR_SIZE))).astype("<f4")
            db.executemany(
                "INSERT INTO vectors (track_id, version, data, bpm, musical_key) VALUES (?, ?, ?, 120, 'A minor')",
                ((start + i + 1, FEATURE_VERSION, row.tobytes()) for i, row in enumerate(rows)),
            )


def memory(stack: Stack) -> float:
    """Return the API's proportional share of memory, in MB."""
    for line in Path(f"/proc/{stack.program('api')}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no Pss")


def cpu(stack: Stack) -> float:
    """Return the CPU seconds of the API's process so far."""
    fields = Path(f"/proc/{stack.program('api')}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(stack: Stack, tracks: int, requests: int) -> dict[str, float]:
    """Return median, 95th percentile and maximum in ms, of questions for random tracks."""
    rng = np.random.default_rng(1)
    times = []
    spent = cpu(stack)
    with httpx.Client(base_url=stack.url, timeout=120) as client:
        for track in rng.integers(1, tracks + 1, size=requests):
            started = time.perf_counter()
            answer = client.get(f"/api/tracks/{track}/similar")
            times.append(1000 * (time.perf_counter() - started))
            assert answer.status_code == 200, answer.text
            assert len(answer.json()["items"]) == 20
    return {
        "median": statistics.median(times),
        "p95": float(np.percentile(times, 95)),
        "max": max(times),
        "cpu": 1000 * (cpu(stack) - spent) / requests,
    }


def store(stack: Stack, tracks: int, stop: threading.Event, stored: list[int]) -> None:
    """Store vectors through the internal socket until told to stop."""
    rng = np.random.default_rng(2)
    socket = stack.environment()["SONIQUEBAY_API_SOCKET"]
    with httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://api", timeout=60) as client:
        while not stop.wait(EVERY):
            track = int(rng.integers(1, tracks + 1))
            data = base64.b64encode(rng.normal(size=VECTOR_SIZE).astype("<f4").tobytes()).decode()
            client.put(f"/internal/vectors/{track}", json={"version": FEATURE_VERSION, "data": data}).raise_for_status()
            stored.append(track)


def measure(tracks: int, requests: int, folder: Path) -> dict[str, Any]:
    music = folder / "music"
    music.mkdir()
    empty = Stack(music, folder / "empty")
    try:
        time.sleep(2)
        report: dict[str, Any] = {"tracks": tracks, "pss_mb": {"empty library": memory(empty)}}
    finally:
        empty.stop()
    fill(folder / "data" / "library.db", tracks)
    stack = Stack(music, folder / "data")
    try:
        started = time.perf_counter()
        wait_until(lambda: ask(stack, tracks, 1), 300)
        report["first_answer_s"] = time.perf_counter() - started
        report["pss_mb"]["loaded"] = memory(stack)
        report["ms"] = {"at rest": ask(stack, tracks, requests)}
        stop, stored = threading.Event(), list[int]()
        storing = threading.Thread(target=store, args=(stack, tracks, stop, stored))
        storing.start()
        peak = 0.0
        try:
            parts = []
            until = time.monotonic() + 30
            while time.monotonic() < until or not parts:
                parts.append(ask(stack, tracks, requests // 3))
                peak = max(peak, memory(stack))
        finally:
            stop.set()
            storing.join()
        report["ms"]["while vectors are stored"] = {
            key: max(p[key] for p in parts) if key == "max" else statistics.median(p[key] for p in parts)
            for key in ("median", "p95", "max", "cpu")
        }
        report["stored"] = len(stored)
        report["pss_mb"]["while vectors are stored"] = peak
        return report
    finally:
        stack.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--json", type=Path, default=Path("dist/bench-similar.json"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = measure(arguments.tracks, arguments.requests, Path(folder))
    for name, row in report["ms"].items():
        print(f"{name:26}" + "".join(f"   {key} {row[key]:6.1f} ms" for key in ("median", "p95", "max", "cpu")))
    for name, value in report["pss_mb"].items():
        print(f"API's memory, {name:26} {value:6.1f} MB")
    print(f"first answer after the start {report['first_answer_s']:.1f} s; {report['stored']} vectors stored meanwhile")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
