"""How long a client copies the whole library by OpenSubsonic, beside Supysonic: `make bench-client_sync`.

Both serve the same scanned files over HTTP. The client does as Symfonium does: `search3` with an empty question, 500
songs, albums and artists at a time, until nothing comes. CPU is that of the server's processes.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench import processes, report
from bench.library import library
from bench.others import end, supysonic_environment, supysonic_scan
from bench.running import running, scan
from bench.tools import Tools, tools
from tests.support.stack import free_port, wait_until

PAGE = 500
USER, PASSWORD = "Ada", "correct horse"
WANTED_RATIO = 1 / 3


def main() -> None:
    """Measure in turns, print, and write build/bench/client_sync.json."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    lib = library(chosen.files)
    results: dict[str, list[tuple[float, float]]] = {"soniquebay": [], "supysonic": []}
    with (
        tempfile.TemporaryDirectory(prefix="soniquebay-bench-") as folder,
        running(lib.root) as stack,
        _supysonic(tools(), lib.root, Path(folder)) as (other, other_pid),
    ):
        scan(stack)
        pids = {"soniquebay": processes.programs(stack)["api"], "supysonic": other_pid}
        urls = {"soniquebay": stack.url, "supysonic": other}
        for turn in range(chosen.rounds + 1):  # the first does not count
            for name, url in urls.items():
                before = processes.cpu_of(pids[name])
                began = time.monotonic()
                counts = copy(url)
                taken = (time.monotonic() - began, processes.cpu_of(pids[name]) - before)
                assert counts["song"] == chosen.files, (name, counts)
                if turn:
                    results[name].append(taken)
    medians = {
        name: tuple(statistics.median(column) for column in zip(*rows, strict=True)) for name, rows in results.items()
    }
    report.table(
        f"Copying a library of {chosen.files} tracks", ("", "seconds", "CPU s"),
        [(name, *values) for name, values in medians.items()],
    )  # fmt: skip
    ratios = [ours / theirs for ours, theirs in zip(medians["soniquebay"], medians["supysonic"], strict=True)]
    report.say(f"{ratios[0]:.2f} × Supysonic's time, {ratios[1]:.2f} × its CPU; wanted below {WANTED_RATIO:.2f}")
    report.save("client_sync", {"files": chosen.files, "rounds": results, "ratios": ratios})


def copy(url: str) -> dict[str, int]:
    """Return how many songs, albums and artists a server has told."""
    counts = dict.fromkeys(("song", "album", "artist"), 0)
    with httpx.Client(base_url=url, timeout=120) as client:
        for kind in counts:
            while page := _page(client, kind, counts[kind]):
                counts[kind] += len(page)
    return counts


def _page(client: httpx.Client, kind: str, offset: int) -> list[dict[str, Any]]:
    limits = {f"{other}Count": PAGE if other == kind else 0 for other in ("song", "album", "artist")}
    client_parameters = {"u": USER, "p": PASSWORD, "c": "bench", "v": "1.16.1", "f": "json"}
    params: dict[str, str | int] = {**client_parameters, "query": "", f"{kind}Offset": offset, **limits}
    answer = client.get("/rest/search3.view", params=params)
    assert answer.status_code == 200, answer.text[:300]
    content = answer.json()["subsonic-response"]
    assert content["status"] == "ok", content
    found: list[dict[str, Any]] = content["searchResult3"].get(kind, [])
    return found


@contextmanager
def _supysonic(programs: Tools, music: Path, folder: Path) -> Iterator[tuple[str, int]]:
    """Run Supysonic, which has scanned the music, by Waitress; give its address and process."""
    supysonic_scan(programs, music, folder)
    environment = supysonic_environment(folder)
    add_user = [programs.python, "-m", "supysonic.cli", "user", "add", USER, "-p", PASSWORD]
    subprocess.run(add_user, check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    port = free_port()
    command = [
        programs.python,
        "-m",
        "supysonic.server",
        "--server",
        "waitress",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    process = subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(url))
        yield url, process.pid
    finally:
        end(process)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/rest/ping.view").status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
