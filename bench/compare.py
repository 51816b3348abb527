"""First scan of this tree beside another commit, in turn: `make bench-compare BENCH_OPTIONS="--before COMMIT"`."""

import argparse
import os
import statistics
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import processes, report
from bench.library import library
from bench.running import running, scan
from bench.scan import warm
from image.paths import ROOT


@contextmanager
def application_of(commit: str) -> Iterator[Path]:
    """Yield the application's folder as it is in a commit, in a temporary worktree."""
    with tempfile.TemporaryDirectory(prefix="soniquebay-compare-") as folder:
        tree = Path(folder) / "tree"
        subprocess.run(
            ["git", "-C", str(ROOT), "worktree", "add", "--quiet", "--detach", str(tree), commit], check=True
        )
        try:
            yield tree / "app"
        finally:
            subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(tree)], check=True)


def measure(app: Path, music: Path, tracks: int) -> tuple[float, float]:
    """Scan with the application in a folder and a fresh stack; return its wall and its CPU seconds."""
    os.environ["PYTHONPATH"] = str(app)  # of all programs that are started here
    with running(music) as stack:
        pids = processes.programs(stack)
        before = processes.cpu(pids)
        result = scan(stack)
        used = processes.spent(before, processes.cpu(pids))
    assert result.summary["tracks"] == tracks, result.summary
    return result.seconds, sum(used.values()) + result.cpu


def main() -> None:
    """Measure, print, and write build/bench/compare.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--before", default="HEAD~1", help="the commit to compare with (default: HEAD~1)")
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    lib = library(chosen.files)
    seconds: dict[str, list[float]] = defaultdict(list)
    cpu: dict[str, list[float]] = defaultdict(list)
    with application_of(chosen.before) as before:
        folders = {"before": before, "after": ROOT / "app"}
        for number in range(chosen.rounds):
            for name in sorted(folders, reverse=number % 2 == 0):
                warm(lib)
                wall, used = measure(folders[name], lib.root, len(lib.tracks))
                seconds[name].append(wall)
                cpu[name].append(used)
                report.say(f"round {number + 1}: {name} {wall:.2f} s, {used:.2f} CPU s")
    rows = [
        (name, statistics.median(seconds[name]), min(seconds[name]), statistics.median(cpu[name]), min(cpu[name]))
        for name in folders
    ]
    ratios = ["after / before", *(after / earlier for earlier, after in zip(rows[0][1:], rows[1][1:], strict=True))]
    header = ("", "median s", "min s", "median CPU s", "min CPU s")
    report.table(f"First scan of {chosen.files} files, {chosen.rounds} rounds in turn", header, [*rows, ratios])
    report.save("compare", {"before": chosen.before, "files": chosen.files, "seconds": dict(seconds), "cpu": dict(cpu)})


if __name__ == "__main__":
    main()
