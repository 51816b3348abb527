"""A scan with nothing changed, against `find` over the same tree: `make bench-rescan`."""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from bench import processes, report
from bench.library import library
from bench.running import running, scan, scanned
from tests.support import audio_files

WANTED = 4.0  # times as long as `find`


def find(root: Path) -> float:
    """Return how long `find` takes to print path, size and time of everything below `root`, s."""
    began = time.monotonic()
    subprocess.run(["find", root, "-printf", r"%p %s %T@\n"], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def check_retagged() -> None:
    """Find a file that was retagged in place, its folder untouched; raises ``AssertionError`` when it is missed."""
    with tempfile.TemporaryDirectory(prefix="soniquebay-bench-") as folder:
        made = library(100)
        music = Path(folder, "music")
        shutil.copytree(made.root, music)
        with running(music) as stack:
            scan(stack, "--wait-vectors")
            path = music / Path(made.tracks[50].path).relative_to(made.root)
            before = [parent.stat().st_mtime_ns for parent in (path.parent, path.parent.parent, music)]
            audio_files.tag(path, title="Retagged In Place")
            assert before == [parent.stat().st_mtime_ns for parent in (path.parent, path.parent.parent, music)]
            again = scan(stack)
            found = stack.get("/api/search", q="Retagged In Place")["items"]
            assert [item["path"] for item in found] == [str(path)], f"{path} was retagged and is not found: {found}"
            assert found[0]["artist"] == made.tracks[50].artist, found
            assert again.summary["tracks"] == 100, again.summary
            old = made.tracks[50].title
            assert old not in [item["title"] for item in stack.get("/api/search", q=old)["items"]]


def main() -> None:
    """Measure, print, and write build/bench/rescan.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=100_000)
    options.add_argument("--pairs", type=int, default=5)
    chosen = options.parse_args()
    rows, cpu = [], {}
    with scanned(chosen.files) as (stack, lib):
        find(lib.root)  # warms the cache of directory entries for both
        pids = processes.programs(stack)
        for number in range(chosen.pairs):
            compared = find(lib.root) if number % 2 == 0 else 0.0
            before = processes.cpu(pids)
            result = scan(stack)
            cpu = processes.spent(before, processes.cpu(pids)) | {"command line": round(result.cpu, 2)}
            compared = compared or find(lib.root)
            assert result.summary["tracks"] == result.summary["files"] == chosen.files, result.summary
            session = stack.get(f"/api/scan-sessions/{result.summary['session_id']}")
            assert session["unchanged"] == chosen.files, session
            own = result.summary["seconds"]
            rows.append((number + 1, compared, result.seconds, own, result.seconds / compared, own / compared))
    header = ("pair", "find s", "scan --wait s", "of it the scan's own s", "ratio", "ratio of the scan's own")
    medians = tuple(statistics.median(column) for column in list(zip(*rows, strict=True))[1:])
    quickest = [min(column) for column in list(zip(*rows, strict=True))[1:4]]
    shortest = ("shortest", *quickest, quickest[1] / quickest[0], quickest[2] / quickest[0])
    report.table(f"Scan of {chosen.files} unchanged files", header, [*rows, ("median", *medians), shortest])
    report.table("CPU of the last scan", ("", "s"), list(cpu.items()))
    report.say(
        f"asked: at most {WANTED:.0f} × find; measured: {medians[3]:.2f} × (of the shortest: {shortest[4]:.2f} ×)"
    )
    check_retagged()
    report.say("a file retagged in place, its folders' times unchanged, is found: yes")
    names = ("pair", "find", "scan", "scan_own", "ratio", "ratio_own")
    ratios = {"median_ratio": medians[3], "ratio_of_shortest": shortest[4]}
    pairs = [dict(zip(names, row, strict=True)) for row in rows]
    report.save("rescan", {"files": chosen.files, "pairs": pairs, **ratios, "cpu": cpu, "retagged": True})


if __name__ == "__main__":
    main()
