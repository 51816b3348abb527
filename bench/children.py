"""Memory of four children that analyse, with the learned model and without it: `make bench-children`.

Four processes are forked, as the worker forks its children, and each analyses real music again and again. The sum of
their PSS is sampled. With and without the model take turns. Without it the network is not computed, and nothing else
differs.
"""

import argparse
import os
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np

from bench import corpus, processes, report
from image.paths import cache_home
from soniquebay.audio import analysis
from soniquebay.audio.feature_schema import LEARNED_VALUES
from soniquebay.audio.learned.network import Heard
from soniquebay.audio.sound_tags import SOUND_TAGS
from soniquebay.worker.process_priority import limit_blas_threads

CHILDREN = 4
START_SECONDS = 3.0  # until each child has analysed a file, and its memory is that of a busy one
INTERVAL_SECONDS = 0.05
MAX_MORE_MB = 20.0


def leave_out_model() -> None:
    """Have this process and its children analyse without the network."""
    nothing = Heard(np.zeros(LEARNED_VALUES, np.float32), np.zeros(len(SOUND_TAGS), np.float32))
    analysis.network.hear = lambda patches: nothing
    analysis.log_mel.patches = lambda segments: np.zeros(0, np.float32)


def busy_mb(files: Sequence[Path], seconds: float) -> list[float]:
    """Return samples of the sum of the children's PSS, MB, while they analyse."""
    children = []
    for number in range(CHILDREN):
        pid = os.fork()
        if pid == 0:
            for file in cycle(files[number::CHILDREN]):
                analysis.analyse(str(file))
        children.append(pid)
    try:
        time.sleep(START_SECONDS)
        samples = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            samples.append(sum(map(processes.pss_mb, children)))
            time.sleep(INTERVAL_SECONDS)
        return samples
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def in_a_process(files: Sequence[Path], seconds: float, *, is_learned: bool) -> dict[str, float]:
    """Measure in a process of its own, which has not computed the network before; return MB."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        if not is_learned:
            leave_out_model()
        found = busy_mb(files, seconds)
        with os.fdopen(writing, "w") as output:
            print(statistics.median(found), np.quantile(found, 0.95), max(found), file=output)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        median, high, largest = map(float, answer.read().split())
    os.waitpid(pid, 0)
    return {"median": median, "p95": high, "max": largest}


def main() -> None:
    """Measure in turns, print, and write build/bench/children.json."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=12.0)
    chosen = options.parse_args()
    limit_blas_threads()
    files = [piece.file for piece in corpus.make("tuning", cache_home() / "bench")]
    runs: dict[str, list[dict[str, float]]] = {"without": [], "with": []}
    for _ in range(chosen.rounds):
        for name, found in runs.items():
            found.append(in_a_process(files, chosen.seconds, is_learned=name == "with"))
    rows = [(name, *(statistics.median(run[key] for run in found) for key in found[0])) for name, found in runs.items()]
    report.table(f"{CHILDREN} busy children, PSS in MB", ("the model", "median", "p95", "max"), rows)
    more = rows[1][1] - rows[0][1]
    report.say(f"asked: at most {MAX_MORE_MB:.0f} MB more, measured {more:.1f}")
    report.save("children", {"runs": runs, "more_mb": more})
    sys.exit(more > MAX_MORE_MB)


if __name__ == "__main__":
    main()
