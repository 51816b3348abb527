"""How much sooner a library is analysed with a worker on another machine: `make bench-remote_worker`.

    python -m bench.remote_worker [--rounds 3]

The music is the tuning set of `bench.retrieval`. The appliance's worker and the other one have one process each, and
the rounds alternate. Both run on this machine: a network is not measured, and with two cores the API takes its share
from both.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import processes, report
from bench.corpus import make
from bench.running import scan
from image.paths import ROOT, cache_home
from tests.support.stack import Stack, free_port, wait_until
from tests.support.vectors import forget_vectors, vectors

WANTED_RATIO = 0.6
SECONDS_PER_TRACK = 5.0
NAME = "other"


@contextmanager
def joined(stack: Stack, folder: Path) -> Iterator[None]:
    """Have a worker of one process help; it joins at the first time."""
    code: list[str] = []
    if not folder.exists():
        code = ["--code", json.loads(stack.cli("join-code", "--json").stdout)["code"], "--name", NAME]
    command = [stack.python, "-m", "soniquebay.cli", "worker", "--join", stack.url, *code]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--folder", str(folder), "--processes", "1"],
            cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        try:
            wait_until(lambda: _is_present(stack), 60)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    wait_until(lambda: not _is_present(stack), 120)


def _is_present(stack: Stack) -> bool:
    return any(worker["is_present"] for worker in json.loads(stack.cli("workers", "--json").stdout)["items"])


def analyse_all(stack: Stack, tracks: int) -> float:
    """Return the seconds until every track has a vector again."""
    with stack.frozen("worker"):
        forget_vectors(stack)
        began = time.monotonic()
    wait_until(lambda: len(vectors(stack)) == tracks, SECONDS_PER_TRACK * tracks)
    return time.monotonic() - began


def main() -> None:
    """Measure, print, and write build/bench/remote-worker.json."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    music = make("tuning", cache_home() / "bench")[0].file.parent
    alone: list[float] = []
    helped: list[float] = []
    with tempfile.TemporaryDirectory(prefix="soniquebay-bench-") as folder:
        settings = {
            "SONIQUEBAY_PROCESSES": "1", "SONIQUEBAY_LOUDNESS": "off", "SONIQUEBAY_LOG_TASKS": "off",
            "SONIQUEBAY_WORKER_PROXY_PORT": str(free_port()),
        }  # fmt: skip
        stack = Stack(music, Path(folder) / "data", **settings)
        try:
            scan(stack, "--wait-vectors")
            tracks = len(vectors(stack))
            for _ in range(chosen.rounds):
                alone.append(analyse_all(stack, tracks))
                with joined(stack, Path(folder) / "other"):
                    helped.append(analyse_all(stack, tracks))
            pids = processes.programs(stack)
            used = processes.cpu(pids)
        finally:
            stack.stop()
    ratio = statistics.median(helped) / statistics.median(alone)
    rows = [("alone", *alone), ("with another", *helped)]
    report.table(f"{tracks} tracks analysed, s", ("", *(f"round {i + 1}" for i in range(chosen.rounds))), rows)
    report.say(f"with another worker {ratio:.2f} × as long (at most {WANTED_RATIO} wanted)")
    result = {"tracks": tracks, "alone_s": alone, "helped_s": helped, "ratio": ratio, "cpu_s": used}
    report.save("remote-worker", result)


if __name__ == "__main__":
    main()
