"""What live progress costs: first scans without listeners and with three, in turn: `make bench-progress`."""

import argparse
import json
import statistics
import threading
import time
from typing import Any

import httpx

from bench import processes, report
from bench.library import Library, library
from bench.running import running, scanned
from bench.search import Client

WANTED = 1.0  # % of the scan's time
LISTENERS = 3
ANSWERS = 300


class Listener(threading.Thread):
    """Follows /api/events as a browser does, and keeps every event of a scan."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.events: list[dict[str, Any]] = []
        self._url = url
        self._open = threading.Event()
        self.start()
        assert self._open.wait(30), "no answer from /api/events"

    def run(self) -> None:
        timeout = httpx.Timeout(30, read=60)
        try:
            with httpx.stream("GET", f"{self._url}/api/events", timeout=timeout) as response:
                self._open.set()
                for line in response.iter_lines():
                    if line.startswith("data: "):
                        self.events.append(json.loads(line.removeprefix("data: ")))
        except httpx.TransportError:
            return  # the stack was stopped


def one_scan(lib: Library, listeners: int) -> dict[str, float]:
    """Scan with a fresh stack, looked at once in half a second by its session; returns seconds and CPU seconds."""
    with running(lib.root) as stack:
        pids = processes.programs(stack)
        following = [Listener(stack.url) for _ in range(listeners)]
        before = processes.cpu(pids)
        session_id = httpx.post(f"{stack.url}/api/scan", timeout=30).raise_for_status().json()["session_id"]
        while (session := stack.get(f"/api/scan-sessions/{session_id}"))["status"] == "running":
            time.sleep(0.5)
        used = processes.spent(before, processes.cpu(pids))
        seconds = session["progress"]["seconds"]
        events = statistics.mean(len(each.events) for each in following) if following else 0
    return {"seconds": seconds, "api": used["api"], "redis": used["redis"], "events": events}


def answer_cpu(count: int) -> float:
    """Return the API's CPU seconds for one answer about the session of a finished scan of `count` files.

    It holds what an event holds, which is made whether anybody listens or not.
    """
    with scanned(count) as (stack, _):
        pids = processes.programs(stack)
        session = stack.get("/api/scan-sessions")["items"][0]["id"]
        client = Client(stack.port)
        before = processes.cpu(pids)
        for _ in range(ANSWERS):
            client.get(f"/api/scan-sessions/{session}")
        return processes.spent(before, processes.cpu(pids))["api"] / ANSWERS


def check_percent(lib: Library) -> int:
    """Follow a whole scan up to its last vector; returns how many events came, each at or above the one before."""
    with running(lib.root) as stack:
        listener = Listener(stack.url)
        httpx.post(f"{stack.url}/api/scan", timeout=30).raise_for_status()
        while not listener.events or listener.events[-1]["phase"] != "done":
            assert listener.is_alive(), "the stream ended"
            time.sleep(0.2)
    percents = [event["percent"] for event in listener.events]
    known = [percent for percent in percents if percent is not None]
    assert known and known == sorted(known) and known[-1] == 100.0, f"not only growing: {percents}"
    assert None not in percents[percents.index(known[0]) :], f"known, then unknown: {percents}"
    return len(percents)


def main() -> None:
    """Measure, print, and write build/bench/progress.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--pairs", type=int, default=4)
    chosen = options.parse_args()
    lib = library(chosen.files)
    runs: dict[int, list[dict[str, float]]] = {0: [], LISTENERS: []}
    for number in range(chosen.pairs):
        for listeners in (0, LISTENERS) if number % 2 == 0 else (LISTENERS, 0):
            runs[listeners].append(one_scan(lib, listeners))
            report.say(f"pair {number + 1}, {listeners} listeners: {runs[listeners][-1]}")
    names = ("seconds", "api", "redis", "events")
    rows = [
        (f"{n} listeners", *(statistics.median(run[name] for run in found) for name in names))
        for n, found in runs.items()
    ]
    pairs = list(zip(runs[0], runs[LISTENERS], strict=True))
    shares = [100 * (b["api"] + b["redis"] - a["api"] - a["redis"]) / a["seconds"] for a, b in pairs]
    alone = [run["api"] for run in runs[0]]
    spread = 100 * (max(alone) - min(alone)) / statistics.median(run["seconds"] for run in runs[0])
    answer = answer_cpu(chosen.files)
    making = [100 * run["events"] * answer / run["seconds"] for run in runs[LISTENERS]]
    share = statistics.median(shares)
    report.table(
        f"First scan of {chosen.files} files, medians", ("", "scan s", "API CPU s", "Redis CPU s", "events"), rows
    )
    report.say(
        f"{LISTENERS} listeners cost the API and Redis {share:+.2f} % of the scan's time (each pair: {_list(shares)})"
    )
    if chosen.pairs < 3 or share <= 0 or share < spread:
        report.say(f"hidden by noise: runs without a listener differ among themselves by {spread:.2f} % of their time")
    report.say(
        f"making the events, listeners or not: {statistics.median(making):.2f} % at most, their number times the CPU "
        f"of one answer about the finished scan ({1000 * answer:.1f} ms, HTTP included); asked: under {WANTED:.0f} %"
    )
    events = check_percent(library(1000))
    report.say(f"percent only grew over a whole scan with its vectors: {events} events")
    found = {
        "share_percent": share,
        "shares": shares,
        "noise_percent": spread,
        "making_percent": making,
        "answer_cpu": answer,
    }
    report.save("progress", {"files": chosen.files, "runs": runs, **found, "monotone_events": events})


def _list(values: list[float]) -> str:
    return ", ".join(f"{value:+.2f}" for value in values)


if __name__ == "__main__":
    main()
