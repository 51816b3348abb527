"""The booted ARM64 machine: its boots, memory, writes to the card, and a long scan: `make bench-appliance`.

It is emulated in software, some fourteen to twenty times slower than its host (measured here too): times tell of
nothing but their ratios, memory and bytes are what they are.
"""

import argparse
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench import pieces, report
from image import build, build_root, minimal_root
from image.emulated.machine import Machine
from image.ui import step
from tests.appliance.client import Appliance, wait_for

WANTED = {"boots": 1.5, "idle": 350.0, "busy": 1000.0, "image": 350.0}  # times, MB, MB, MB
SETTLED = 90.0  # seconds after which a booted machine is looked at
LONGEST = 3600.0  # seconds that a scan may take
CHILDREN = 4
LOOK = 5.0  # seconds between two looks at the memory
LOOP = """import time
began, n = time.process_time(), 0
for i in range(3_000_000):
    n = (n * 31 + i) % 1000003
print(time.process_time() - began)"""
MEMORY = "awk '/^MemTotal|^MemAvailable/ {print $2}' /proc/meminfo"


@dataclass(frozen=True)
class Boot:
    """Seconds from power to what the machine is for, and until systemd has started everything."""

    ready: float
    started: float


def boot(machine: Machine, *, appliance: bool) -> Boot:
    """Switch a machine on: an appliance is ready when its API says that it is healthy, a bare one when its SSH answers.

    Nobody logs in before that, for a login is a second or two of the emulated processor.
    """
    machine.start()
    if appliance:
        Appliance(machine).healthy()
    else:
        wait_for("its SSH answers", machine.access.ssh_answers, pause=1)
    ready = machine.uptime_seconds
    machine.wait_for_ssh()
    wait_for("systemd has started everything", lambda: _started(machine), pause=1)
    return Boot(ready, machine.uptime_seconds)


def boots(debian: Machine, card: Machine, rounds: int) -> dict[str, Any]:
    """Boot both, one at a time and in turns, and leave the card's on; returns all times and the medians of each kind.

    A card of ours does without cloud-init from its second boot on, so a bare Debian is measured with and without.
    """
    kinds: dict[str, list[Boot]] = {"first_bare": [], "first": [], "bare": [], "without_cloud_init": [], "second": []}

    def measure(kind: str, machine: Machine) -> None:
        kinds[kind].append(boot(machine, appliance=machine is card))
        report.say(f"{kind.replace('_', ' ')}: ready after {kinds[kind][-1].ready:.0f} s")

    measure("first_bare", debian)
    debian.stop(120)
    measure("first", card)
    for _ in range(rounds):
        card.stop(120)
        measure("bare", debian)
        debian.ssh("sudo touch /etc/cloud/cloud-init.disabled", check=True)
        debian.stop(120)
        measure("without_cloud_init", debian)
        debian.ssh("sudo rm /etc/cloud/cloud-init.disabled", check=True)
        debian.stop(120)
        measure("second", card)
    middle = {
        kind: {name: median(getattr(one, name) for one in found) for name in ("ready", "started")}
        for kind, found in kinds.items()
    }
    return {"each": {kind: [vars(one) for one in found] for kind, found in kinds.items()}, **middle}


def _started(machine: Machine) -> bool:
    return machine.ssh("systemctl is-system-running").stdout.strip() in {"running", "degraded"}


def used(machine: Machine) -> float:
    """Return the memory of the whole system that is not available, MB."""
    total, available = map(int, machine.ssh(MEMORY, check=True).stdout.split())
    return (total - available) * 1024 / 1e6


def slowness(machine: Machine) -> float:
    """Return how many times longer a loop of Python takes there than here."""
    here = float(subprocess.run(["python3", "-c", LOOP], check=True, capture_output=True, text=True).stdout)
    return float(machine.ssh(f"python3 -c '{LOOP}'", check=True).stdout) / here


def scan(machine: Machine, disk: pieces.Disk, analysing: float) -> dict[str, Any]:
    """Plug the disk in and follow its scan, `analysing` seconds into the vectors; returns figures of it."""
    appliance = Appliance(machine)
    before, began = machine.bytes_written(), time.monotonic()
    machine.attach_disk(disk.path)
    session = wait_for("the disk's scan has begun", lambda: _newest(appliance))
    searchable: float | None = None
    peak, busy = 0.0, 0.0
    while True:
        now = appliance.api(f"/api/scan-sessions/{session['id']}").json
        workers, taken = appliance.api("/api/worker").json["workers"].values(), used(machine)
        peak = max(peak, taken)
        if sum(worker["active"] for worker in workers) >= CHILDREN:
            busy = max(busy, taken)
        if searchable is None and now["status"] == "completed":
            searchable = time.monotonic() - began
            machine.ssh("sync", check=True)  # what is searchable and not yet on the card is counted too
            written = machine.bytes_written() - before
            report.say(f"searchable after {searchable:.0f} s; now the vectors, for {analysing:.0f} s at most")
        done = now["progress"]["phase"] == "done"
        if searchable is None and time.monotonic() - began > LONGEST:
            raise SystemExit(f"the scan is not completed after {LONGEST:.0f} s: {now}")
        if searchable is not None and (done or time.monotonic() - began > searchable + analysing):
            break
        time.sleep(LOOK)
    analysed = now["library"]["vectors"] + now["library"]["vector_failures"]
    paths = [track["path"] for track in appliance.all_items("/api/tracks")]
    failed = [item["path"] for item in appliance.all_items(f"/api/scan-sessions/{session['id']}/failures")]
    good = sum("/broken " not in path for path in paths)
    return {
        "files": disk.good + disk.broken,
        "searchable_s": searchable,
        "files_a_minute": 60 * (disk.good + disk.broken) / searchable,
        "good": disk.good,
        "good_tracks": good,
        "success_percent": 100 * good / disk.good,
        "broken": disk.broken,
        "broken_accounted_for": sum("/broken " in path for path in {*paths, *failed}),
        "analysed": analysed,
        "analysed_a_minute": 60 * analysed / max(1.0, time.monotonic() - began - searchable),
        "analysed_all": done,
        "written_until_searchable_mb": written / 1e6,
        "written_mb": (machine.bytes_written() - before) / 1e6,
        "busy_mb": busy or None,
        "peak_mb": peak,
    }


def _newest(appliance: Appliance) -> Any:
    items = appliance.api("/api/scan-sessions?limit=1").json["items"]
    return items[0] if items else None


def main() -> None:
    """Measure, print, and write build/bench/appliance.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=1000)
    options.add_argument("--idle-minutes", type=float, default=60.0)
    options.add_argument("--rounds", type=int, default=3, help="second boots of each kind")
    options.add_argument("--analysing", type=float, default=600.0, help="seconds of vectors that are watched")
    chosen = options.parse_args()
    image = build.build("debian")
    plain = minimal_root.ensure(build_root.ensure())
    result: dict[str, Any] = {"size": sizes(image)}
    with step("Disk of pieces") as current:
        disk = pieces.disk(chosen.files, build_root.ensure(), current)
    with Machine(plain) as debian, Machine(image) as machine:
        result["boots"] = boots(debian, machine, chosen.rounds)
        time.sleep(SETTLED)
        result["idle_mb"], result["slower"] = used(machine), slowness(machine)
        before = machine.bytes_written()
        report.say(f"idle for {chosen.idle_minutes:.0f} minutes …")
        time.sleep(chosen.idle_minutes * 60)
        result["idle_hour_mb"] = (machine.bytes_written() - before) / 1e6 * 60 / chosen.idle_minutes
        result["idle_minutes"] = chosen.idle_minutes
        result["scan"] = scan(machine, disk, chosen.analysing)
    show(result)
    report.save("appliance", result)


def sizes(image: Path) -> dict[str, float]:
    """Return the sizes of the image and, if it is there, of its compressed form, MB."""
    packed = image.with_name(image.name + ".xz")
    found = {"image_mb": image.stat().st_size / 1e6}
    if packed.exists() and packed.stat().st_mtime >= image.stat().st_mtime:
        found["compressed_mb"] = packed.stat().st_size / 1e6
    return found


def show(result: dict[str, Any]) -> None:
    """Print what was measured beside what was asked."""
    scanned, boots = result["scan"], result["boots"]
    second, bare, without = (boots[kind] for kind in ("second", "bare", "without_cloud_init"))
    packed = (
        f"{result['size']['compressed_mb']:.0f}" if "compressed_mb" in result["size"] else "not made: make artifacts"
    )
    busy = f"{scanned['busy_mb']:.0f}" if scanned["busy_mb"] else f"never were {CHILDREN}"
    rows = [
        (f"second boot to a healthy API, s ({len(boots['each']['second'])} in turns)", f"{second['ready']:.0f}", ""),
        ("… of a bare Debian root until its SSH answers, s", f"{bare['ready']:.0f}", ""),
        ("… the same without its cloud-init, s", f"{without['ready']:.0f}", ""),
        ("ratio", f"{second['ready'] / bare['ready']:.2f}", f"≤ {WANTED['boots']}"),
        ("ratio, without cloud-init", f"{second['ready'] / without['ready']:.2f}", ""),
        (
            "ratio until systemd has started everything, Flower included",
            f"{second['started'] / bare['started']:.2f}",
            "",
        ),
        ("first boot to a healthy API, s", f"{boots['first']['ready']:.0f}", ""),
        ("first boot of a bare Debian root, s", f"{boots['first_bare']['ready']:.0f}", ""),
        ("memory used by the whole system, idle, MB", f"{result['idle_mb']:.0f}", f"< {WANTED['idle']:.0f}"),
        (f"… with {CHILDREN} children at work, MB", busy, f"< {WANTED['busy']:.0f}"),
        ("… at most, MB", f"{scanned['peak_mb']:.0f}", f"< {WANTED['busy']:.0f}"),
        (f"written in an idle hour, MB (of {result['idle_minutes']:.0f} min)", f"{result['idle_hour_mb']:.1f}", ""),
        ("written until all is searchable, MB", f"{scanned['written_until_searchable_mb']:.1f}", ""),
        ("compressed image, MB", packed, f"< {WANTED['image']:.0f}"),
        (f"scan of {scanned['files']} files, files a minute", f"{scanned['files_a_minute']:.0f}", "50 to 100"),
        ("readable files that became tracks, %", f"{scanned['success_percent']:.2f}", "> 99"),
        ("broken files accounted for", f"{scanned['broken_accounted_for']} of {scanned['broken']}", "all"),
        ("vectors a minute", f"{scanned['analysed_a_minute']:.1f}", ""),
        ("a loop of Python takes there, times as long", f"{result['slower']:.1f}", ""),
    ]
    report.table("The emulated appliance", ("", "measured", "asked"), rows)


if __name__ == "__main__":
    main()
