"""First scan: ours beside others on the same files, in rotation: `make bench-scan`."""

import argparse
import random
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench import processes, report
from bench.checks import check_listing, check_search
from bench.library import Library, library
from bench.others import OTHERS
from bench.running import finish, running, scan, snapshot
from bench.tools import Tools, tools

OURS = "soniquebay"
SAMPLE = 100  # tracks searched for at once, while the worker is busy


def first_scan(lib: Library) -> dict[str, Any]:
    """Scan with a fresh stack; returns its times, s. What it found is checked against the generator's list."""
    with running(lib.root) as stack, tempfile.TemporaryDirectory(prefix="soniquebay-bench-") as folder:
        pids = processes.programs(stack)
        before = processes.cpu(pids)
        result = scan(stack)
        used = processes.spent(before, processes.cpu(pids)) | {"command line": round(result.cpu, 2)}
        assert result.summary["tracks"] == len(lib.tracks), result.summary
        at_once = Path(folder, "at-once")
        snapshot(stack, at_once)
        check_search(stack.url, random.Random(1).sample(lib.tracks, SAMPLE))  # noqa: S311
        stack.stop()
        # The rest of the check on the library of that very moment, and with the machine to itself.
        finish(at_once)
        with running(lib.root, at_once) as quiet:
            check_listing(quiet.url, lib.tracks)
            found = check_search(quiet.url, lib.tracks)
    assert found == len(lib.tracks)
    return {"seconds": result.seconds, "cpu": used, "vectors_meanwhile": result.summary["vectors"]}


def other_scan(name: str, programs: Tools, lib: Library) -> float:
    """Scan with another program; returns seconds. Raises ``AssertionError`` when tracks are missing."""
    with tempfile.TemporaryDirectory(prefix="soniquebay-bench-") as folder:
        seconds, count = OTHERS[name](programs, lib.root, Path(folder))
    assert count == len(lib.tracks), f"{name} has {count} tracks of {len(lib.tracks)}"
    return seconds


def warm(lib: Library) -> None:
    """Read all files once, so that they are in the page cache for everybody."""
    for track in lib.tracks:
        Path(track.path).read_bytes()


def main() -> None:
    """Measure, print, and write build/bench/scan.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", nargs="*", choices=[*OTHERS, "none"], help="others to compare with (default: all)")
    chosen = options.parse_args()
    others = [name for name in OTHERS if chosen.only is None or name in chosen.only]
    lib = library(chosen.files)
    programs = tools() if others else None
    names = [OURS, *others]
    times: dict[str, list[float]] = defaultdict(list)
    details: list[dict[str, Any]] = []
    for number in range(chosen.rounds):
        turn = number % len(names)
        for name in [*names[turn:], *names[:turn]]:
            warm(lib)
            if name == OURS:
                details.append(first_scan(lib))
                times[name].append(details[-1]["seconds"])
            else:
                assert programs is not None
                times[name].append(other_scan(name, programs, lib))
            report.say(f"round {number + 1}: {name} {times[name][-1]:.2f} s")
    _show(chosen.files, times, details, programs.versions if programs else {})


def _show(files: int, times: dict[str, list[float]], details: list[dict[str, Any]], versions: dict[str, str]) -> None:
    medians = {name: statistics.median(values) for name, values in times.items()}
    rows = [
        (name, medians[name], min(times[name]), max(times[name]), files / medians[name], medians[OURS] / medians[name])
        for name in sorted(medians, key=lambda name: medians[name])
    ]
    header = ("", "median s", "min s", "max s", "files/s", f"{OURS} is × as long")
    report.table(f"First scan of {files} files, all checked, {len(details)} rounds", header, rows)
    cpu = {name: statistics.median(run["cpu"][name] for run in details) for name in details[0]["cpu"]}
    total = sum(cpu.values())
    cpu_rows = [(name, seconds, f"{100 * seconds / total:.0f} %") for name, seconds in cpu.items()]
    report.table(
        "CPU of our programs during the scan, medians", ("", "s", "share"), [*cpu_rows, ("sum", total, "100 %")]
    )
    if mpd := [medians[name] for name in medians if name.startswith("mpd")]:
        report.say(f"{OURS} takes {medians[OURS] / min(mpd):.2f} × as long as mpd in the quicker of its two ways")
    vectors = [run["vectors_meanwhile"] for run in details]
    report.say(f"tracks analysed before the scan's end: {vectors}; versions: {versions}")
    result = {"files": files, "seconds": dict(times), "median": medians, "cpu": cpu, "runs": details}
    report.save("scan", {**result, "versions": versions})


if __name__ == "__main__":
    main()
