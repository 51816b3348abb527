"""First scan: ours beside others on the same files, in rotation: `make bench-scan`."""

import argparse
import random
import resource
import statistics
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import names, processes, report
from bench.checks import check_listing, check_search
from bench.library import Library, library
from bench.others import OTHERS
from bench.running import finish, running, scan, snapshot
from bench.tools import Tools, tools

OURS = "soniquebay"
SAMPLE = 100  # tracks searched for at once, while the worker is busy


@dataclass(slots=True)
class Results:
    """What was measured of each program, one value a round."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    others_cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # s
    details: list[dict[str, Any]] = field(default_factory=list)  # of ours


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


def other_scan(name: str, programs: Tools, lib: Library) -> tuple[float, float]:
    """Scan with another program; returns seconds, and CPU seconds from its start to its end.

    Raises ``AssertionError`` when tracks are missing.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory(prefix="soniquebay-bench-") as folder:
        seconds, count = OTHERS[name](programs, lib.root, Path(folder))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert count == len(lib.tracks), f"{name} has {count} tracks of {len(lib.tracks)}"
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def warm(lib: Library) -> None:
    """Read all files once, so that they are in the page cache for everybody."""
    for track in lib.tracks:
        Path(track.path).read_bytes()


def main() -> None:
    """Measure, print, and write build/bench/scan.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--library", choices=names.KINDS, default=names.KINDS[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", nargs="*", choices=[*OTHERS, "none"], help="others to compare with (default: all)")
    chosen = options.parse_args()
    others = [name for name in OTHERS if chosen.only is None or name in chosen.only]
    lib = library(chosen.files, chosen.library)
    programs = tools() if others else None
    scanners = [OURS, *others]
    results = Results()
    for number in range(chosen.rounds):
        turn = number % len(scanners)
        for name in [*scanners[turn:], *scanners[:turn]]:
            warm(lib)
            if name == OURS:
                results.details.append(first_scan(lib))
                seconds = results.details[-1]["seconds"]
            else:
                assert programs is not None
                seconds, cpu = other_scan(name, programs, lib)
                results.others_cpu[name].append(cpu)
            results.seconds[name].append(seconds)
            report.say(f"round {number + 1}: {name} {seconds:.2f} s")
    _show(chosen.files, chosen.library, results, programs.versions if programs else {})


def _show(files: int, kind: str, results: Results, versions: dict[str, str]) -> None:
    times, others_cpu, details = results.seconds, results.others_cpu, results.details
    medians = {name: statistics.median(values) for name, values in times.items()}
    rows = [
        (name, medians[name], min(times[name]), max(times[name]), files / medians[name], medians[OURS] / medians[name])
        for name in sorted(medians, key=lambda name: medians[name])
    ]
    header = ("", "median s", "min s", "max s", "files/s", f"{OURS} is × as long")
    report.table(f"First scan of {files} files ({kind}), all checked, {len(details)} rounds", header, rows)
    cpu = {name: statistics.median(run["cpu"][name] for run in details) for name in details[0]["cpu"]}
    total = sum(cpu.values())
    cpu_rows = [(name, seconds, f"{100 * seconds / total:.0f} %") for name, seconds in cpu.items()]
    report.table(
        "CPU of our programs during the scan, medians", ("", "s", "share"), [*cpu_rows, ("sum", total, "100 %")]
    )
    if mpd := [medians[name] for name in medians if name.startswith("mpd")]:
        report.say(f"{OURS} takes {medians[OURS] / min(mpd):.2f} × as long as mpd in the quicker of its two ways")
    if mpd := [statistics.median(others_cpu[name]) for name in others_cpu if name.startswith("mpd")]:
        report.say(f"CPU: mpd {min(mpd):.2f} s, {OURS} {total:.2f} s, {total / min(mpd):.2f} × as much")
    vectors = [run["vectors_meanwhile"] for run in details]
    report.say(f"tracks analysed before the scan's end: {vectors}; versions: {versions}")
    result = {"files": files, "library": kind, "seconds": dict(times), "median": medians, "cpu": cpu, "runs": details}
    result["others_cpu"] = dict(others_cpu)
    report.save("scan" if kind == names.KINDS[0] else f"scan-{kind}", {**result, "versions": versions})


if __name__ == "__main__":
    main()
