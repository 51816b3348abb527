"""How soon a track plays, and whether it goes on beside a scan: `make bench-playing`.

First bytes are asked for one after the other at rest. Then twenty listeners play at once, eight of them transcoded
streams, while thousands of files are scanned for the first time. A listener is a player with a buffer: it reads as
fast as it can until it is so many seconds ahead, and then as fast as it plays.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from bench import processes, report
from bench.library import library
from bench.running import running
from soniquebay.api.transcoders import MAX_TRANSCODERS
from tests.support.sounds import write
from tests.support.stack import Stack

LISTENERS = 20
TRACK_SECONDS = 240
RATE_HZ = 44_100
BUFFER_SECONDS = 10.0  # a player that holds less runs dry on any wireless network
REPEATS = 20
BIT_RATE_KBITS = 128
TRANSCODED = {"format": "opus", "bit_rate": BIT_RATE_KBITS, "estimate_length": "true"}
WANTED_MS = {"range of a file": 10.0, "opus": 300.0, "mp3": 300.0, "flac of ALAC": 300.0}


@dataclass(slots=True)
class Listener:
    """What a listener has heard."""

    kind: str
    first_byte_ms: float = 0.0
    lowest_buffer_seconds: float = BUFFER_SECONDS
    stalls: int = 0
    stalled_seconds: float = 0.0


def main() -> None:
    """Measure, print, and write build/bench/playing.json."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=10_000, help="that are scanned meanwhile")
    options.add_argument("--seconds", type=float, default=60, help="that the listeners play at least")
    chosen = options.parse_args()
    scanned = library(chosen.files)
    with tempfile.TemporaryDirectory(prefix="soniquebay-bench-") as folder:
        played = Path(folder) / "played"
        _make(played)
        with running([played, scanned.root]) as stack:
            result = measure(stack, played, scanned.root, chosen.seconds)
    report.table(
        "First byte at rest, ms", ("", "median", "slowest", "wanted"),
        [(name, median, slowest, WANTED_MS[name]) for name, (median, slowest) in result["first_byte_ms"].items()],
    )  # fmt: skip
    report.table(
        f"{LISTENERS} listeners beside a scan of {chosen.files} files",
        ("", "first byte ms, slowest", "buffer s, lowest", "stalls", "stalled s"),
        [(kind, *values.values()) for kind, values in result["listeners"].items()],
    )
    report.save("playing", {"files": chosen.files, **result})


def _make(folder: Path) -> None:
    """Make a track of each kind: as long as a song is, and as hard to compress as loud music is."""
    folder.mkdir()
    count = TRACK_SECONDS * RATE_HZ
    t = np.arange(count) / RATE_HZ
    noise = np.random.default_rng(1).standard_normal((2, count)) * 0.05
    samples = np.clip(noise + 0.3 * np.sin(2 * np.pi * 440 * t), -1, 1)
    write(folder / "flac.flac", samples, RATE_HZ, "flac")
    write(folder / "alac.m4a", samples, RATE_HZ, "alac")


def measure(stack: Stack, played: Path, scanned: Path, seconds: float) -> dict[str, Any]:
    """Return the times of first bytes at rest, and what the listeners have heard beside a scan."""
    stack.cli("scan", "--wait-vectors", str(played))
    ids = {track["title"]: track["id"] for track in stack.tracks().values()}
    urls = {name: f"{stack.url}/api/tracks/{ids[name]}/stream" for name in ("flac", "alac")}
    first = first_bytes(urls)
    pids = processes.programs(stack)
    memory_before = processes.memory(pids)["api"]
    listeners, scan_seconds, memory = asyncio.run(_play_beside_a_scan(stack, urls, scanned, seconds, pids))
    kinds = {kind: [one for one in listeners if one.kind == kind] for kind in ("file", "transcoded")}
    return {
        "first_byte_ms": first,
        "listeners": {
            f"{len(some)} × {kind}": {
                "first_byte_ms": max(one.first_byte_ms for one in some),
                "lowest_buffer_seconds": min(one.lowest_buffer_seconds for one in some),
                "stalls": sum(one.stalls for one in some),
                "stalled_seconds": sum(one.stalled_seconds for one in some),
            }
            for kind, some in kinds.items()
        },
        "scan_seconds": round(scan_seconds, 1),
        "api_mb": {"at rest": memory_before, "while playing, most": memory},
    }


def first_bytes(urls: dict[str, str]) -> dict[str, tuple[float, float]]:
    """Return median and slowest time (ms) to the first byte of each kind of answer."""
    kinds: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
        "range of a file": (urls["flac"], {}, {"Range": "bytes=5000000-5200000"}),
        "opus": (urls["flac"], {"format": "opus"}, {}),
        "mp3": (urls["flac"], {"format": "mp3"}, {}),
        "flac of ALAC": (urls["alac"], {}, {}),
    }
    times: dict[str, list[float]] = {name: [] for name in kinds}
    with httpx.Client(timeout=30) as client:
        for turn in range(REPEATS + 1):  # the first does not count
            for name, (url, params, headers) in kinds.items():
                began = time.monotonic()
                with client.stream("GET", url, params=params, headers=headers) as answer:
                    assert answer.status_code in {200, 206}, answer.status_code
                    next(answer.iter_raw())
                    taken = 1000 * (time.monotonic() - began)
                if turn:
                    times[name].append(taken)
                time.sleep(0.05)  # a transcoder that has to end takes some time, too
    return {name: (round(statistics.median(some), 1), round(max(some), 1)) for name, some in times.items()}


async def _play_beside_a_scan(
    stack: Stack, urls: dict[str, str], scanned: Path, seconds: float, pids: dict[str, int]
) -> tuple[list[Listener], float, float]:
    """Return the listeners, how long the scan took (s), and the most memory of the API (MB)."""
    listeners = [Listener("transcoded" if n < MAX_TRANSCODERS else "file") for n in range(LISTENERS)]
    limits = httpx.Limits(max_connections=None)
    peak = 0.0
    ended: list[float] = []
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            str(stack.python), "-m", "soniquebay.cli", "scan", "--wait", str(scanned), env=stack.environment(),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        scan = asyncio.create_task(process.wait())
        scan.add_done_callback(lambda _: ended.append(time.monotonic() - began))
        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for listener in listeners:
                group.create_task(_listen(client, listener, urls, done))
            while not ended or time.monotonic() - began < seconds:
                memory = await asyncio.to_thread(processes.memory, pids)
                peak = max(peak, memory["api"])
                await asyncio.sleep(0.5)
            done.set()
        assert scan.result() == 0, "the scan has failed"
    return listeners, ended[0], peak


async def _listen(client: httpx.AsyncClient, listener: Listener, urls: dict[str, str], done: asyncio.Event) -> None:
    """Play the same track again and again."""
    while not done.is_set():
        params, url = (TRANSCODED, urls["alac"]) if listener.kind == "transcoded" else ({}, urls["flac"])
        asked = time.monotonic()
        async with client.stream("GET", url, params=params) as answer:
            assert answer.status_code == 200, answer.status_code
            seconds_a_byte = TRACK_SECONDS / int(answer.headers["content-length"])
            received, started, stalled = 0.0, 0.0, 0.0
            async for data in answer.aiter_raw(16 << 10):
                now = time.monotonic()
                if not started:
                    started = now
                    listener.first_byte_ms = max(listener.first_byte_ms, 1000 * (now - asked))
                ahead = received - (now - started - stalled)  # seconds of sound that are left, just before this piece
                received += len(data) * seconds_a_byte
                if ahead < 0 < received:
                    listener.stalls += 1
                    listener.stalled_seconds += -ahead
                    stalled += -ahead
                if received > BUFFER_SECONDS:
                    listener.lowest_buffer_seconds = min(listener.lowest_buffer_seconds, max(ahead, 0.0))
                if done.is_set():
                    return
                if (too_far := ahead + len(data) * seconds_a_byte - BUFFER_SECONDS) > 0:
                    await asyncio.sleep(too_far)


if __name__ == "__main__":
    main()
