"""A run of power cuts: what happens to each card before a cut, and what has to hold after it."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from image import music, ui
from image.build_root import BuildRoot
from image.emulated.power_cut import PowerCutMachine
from image.emulated.power_cut_replay import ReplayResult
from tests.appliance.client import Appliance, wait_for
from tests.appliance.disk import MOUNT_POINT
from tests.support.audio_files import tone

from .card import faults
from .plan import Cut, Phase

PRINT_MACHINE_STATE = (Path(__file__).parent / "machine_state.py").read_text()
SONGS_PER_DISK = 24
HEALTHY_REDIS = {
    "ping": "PONG",
    "aof_enabled": "1",
    "loading": "0",
    "aof_last_write_status": "ok",
    "aof_last_bgrewrite_status": "ok",
}
IDENTITY = ("machine_id", "host_key", "device_key")
Row = tuple[Any, ...]
# Files in /etc that are or may be empty on a machine whose power was never cut.
ALLOWED_EMPTY_FILES = {
    "/etc/.pwd.lock",
    "/etc/environment",
    "/etc/security/opasswd",
    "/etc/subgid",
    "/etc/subgid-",
    "/etc/subuid",
    "/etc/subuid-",
    "/etc/sv/ssh/.meta/installed",
    # systemd-update-done's mark: its modification time counts. Its content matters only on file systems whose times
    # have no fractions of a second.
    "/etc/.updated",
}


@dataclass(frozen=True)
class Record:
    """A cut and its result."""

    cut: Cut
    replay: ReplayResult
    recovery_seconds: float
    """From power-on until the appliance is healthy."""
    interrupted: bool
    """Whether the cut interrupted a scan or its analysis."""


class PowerCutRun:
    """A run of power cuts over several cards, one after another, each with a machine of its own."""

    def __init__(self, image: Path, tools: BuildRoot, folder: Path, simulated_cuts: int) -> None:
        """Set the run up; each cut also makes and checks the cards of `simulated_cuts` other moments of the boot."""
        self.records: list[Record] = []
        self._image = image
        self._tools = tools
        self._folder = folder
        self._simulated_cuts = simulated_cuts
        self._machines = ExitStack()
        self._appliance: Appliance | None = None
        self._identity: dict[str, str] | None = None
        self._earlier_identities: list[dict[str, str]] = []
        self._disk: Path | None = None
        self._music = folder
        self._song_count = 0
        self._redis_note, self._synced_requests = "", 0
        self._synced_rows: set[Row] = set()

    def __enter__(self) -> PowerCutRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._machines.__exit__(kind, error, trace)

    def execute(self, cut: Cut) -> None:
        """Cut the power as planned, boot again and check the card and the machine.

        Raises `AssertionError` with the faults that were found.
        """
        with ui.step(f"{cut}") as step:
            machine = self._run_until_cut(cut)
            interrupted = cut.phase == Phase.SCAN and self._appliance is not None and not self._is_idle(self._appliance)
            replay = machine.cut_power(cut.rng, self._check_card, self._simulated_cuts, self._synced_requests)
            step.report_status(str(replay))
            self._check_card(machine.card, str(replay))
            machine.start()
            if self._disk is not None:
                machine.attach_disk(self._disk)
            appliance = Appliance(machine)
            appliance.healthy()
            recovery_seconds = machine.uptime_seconds
            self._check_machine(appliance, cut.phase)
            lost = self._synced_rows - _rows(appliance)
            assert not lost, f"the library has lost rows that were on the card: {sorted(lost, key=str)}"
            self._check_library(appliance)
            self._sync(appliance, machine, cut)
            self._appliance = appliance
        self.records.append(Record(cut, replay, recovery_seconds, interrupted))
        print(f"    {replay}; healthy after {ui.duration(recovery_seconds)}")

    def _run_until_cut(self, cut: Cut) -> PowerCutMachine:
        """Bring a machine to the phase and the moment of the cut, and return it."""
        if cut.phase == Phase.FIRST_BOOT:
            self._machines.close()
            self._earlier_identities += [self._identity] if self._identity else []
            machine = self._machines.enter_context(PowerCutMachine(self._image, tools=self._tools))
            self._identity, self._disk, self._song_count = None, None, 0
            self._redis_note, self._synced_requests, self._synced_rows = "", 0, set()
            self._music = self._folder / f"music-{cut.number}"
            machine.start()
            wait_for("the first write", machine.has_written, pause=0.5)
            time.sleep(cut.delay_seconds)
            return machine
        assert self._appliance is not None
        machine = self._appliance.machine
        assert isinstance(machine, PowerCutMachine)
        if cut.phase == Phase.SCAN:
            appliance = self._appliance
            if self._disk is not None:
                machine.detach_disk()
                wait_for("the old disk is unmounted", lambda: appliance.try_run(f"findmnt {MOUNT_POINT}")[0] != 0)
            sessions = appliance.api("/api/scan-sessions?limit=1").json["total"]
            self._disk = self._make_larger_disk(cut.number)
            machine.attach_disk(self._disk)
            wait_for("the scan", lambda: appliance.api("/api/scan-sessions?limit=1").json["total"] > sessions, pause=1)
        time.sleep(cut.delay_seconds)
        return machine

    def _is_idle(self, appliance: Appliance) -> bool:
        """Tell whether all songs are tracks with a vector."""
        return appliance.api("/api/tracks?limit=1").json["total"] >= self._song_count and not _unanalysed(appliance)

    def _make_larger_disk(self, number: int) -> Path:
        """Make a disk with the songs of the disk before and `SONGS_PER_DISK` more."""
        for index in range(self._song_count, self._song_count + SONGS_PER_DISK):
            song = self._music / f"album {number}" / f"song {index}.ogg"
            song.parent.mkdir(parents=True, exist_ok=True)
            tone(song, 1.0, 220.0 + 10 * index, title=f"Song {index}", artist="Somebody", album=f"Album {number}")
        self._song_count += SONGS_PER_DISK
        disk = self._folder / f"music-{number}.img"
        with ui.step("Music disk") as step:
            music.make(disk, self._music, self._tools, step)
        return disk

    # --- checks -----------------------------------------------------------------------------------------------------

    def _check_card(self, card: Path, replay: str) -> None:
        """Check a card before the machine boots from it; `replay` says how it was made."""
        found = faults(card, self._tools, self._folder)
        assert not found, "\n".join((replay, *found))

    def _check_machine(self, appliance: Appliance, phase: Phase) -> None:
        """Check the booted machine with a script that runs on it."""
        appliance.machine.wait_for_ssh()
        state: dict[str, Any] = json.loads(appliance.run(f"python3 - <<'END'\n{PRINT_MACHINE_STATE}\nEND"))
        user = appliance.machine.access.user
        expected: dict[str, Any] = {
            "system": "running",
            "failed_units": [],
            "restarted_services": [],
            "redis_note": self._redis_note,
            "kernel_faults": [],
            "cloud_init": {"status": "disabled", "errors": []},
            "library_faults": [],
            "redis": HEALTHY_REDIS,
            "first_boot_is_complete": True,
            "hostname": appliance.machine.hostname,
            "homes": {user: user},
            "temporary_files": [],
        }
        if phase == Phase.FIRST_BOOT and state["cloud_init"]["status"] == "done":
            expected["cloud_init"]["status"] = "done"  # the cut came before the mark of a complete first boot
        wrong = {name: state[name] for name, value in expected.items() if state[name] != value}
        emptied = [path for path in state["empty_files"] if path not in ALLOWED_EMPTY_FILES]
        assert not wrong, wrong
        assert not emptied, emptied
        assert (len(state["machine_id"]), len(state["device_key"])) == (32, 64)
        assert state["host_key"].startswith("ssh-ed25519 "), state["host_key"]
        identity = {name: state[name] for name in IDENTITY}
        assert self._identity in (None, identity), f"the identity has changed from {self._identity} to {identity}"
        self._identity = identity
        for earlier in self._earlier_identities:
            assert not identity.items() & earlier.items(), f"two cards share a secret: {identity} and {earlier}"

    def _sync(self, appliance: Appliance, machine: PowerCutMachine, cut: Cut) -> None:
        """Bring a note in Redis and the library to the card, and record them for the check after the next cut.

        Both have to survive that cut. It is not enough that a new scan would find the same files again.
        """
        self._redis_note = f"cut-{cut.number}"
        commands = f"set power-cuts {self._redis_note}\\nwaitaof 1 0 0\\n"
        replies = appliance.run(f"printf '{commands}' | redis-cli -s /run/redis/redis-server.sock").split()
        assert replies == ["OK", "1", "0"], replies
        self._synced_rows = _rows(appliance)
        appliance.run("sync")
        time.sleep(1)  # until the log of writes has no holes before this point
        self._synced_requests = machine.request_count()

    def _check_library(self, appliance: Appliance) -> None:
        """Check that every file is one track and that every track is analysed in the end."""
        if self._disk is None:
            return

        def completed() -> bool:
            sessions = appliance.all_items("/api/scan-sessions")
            tracks = appliance.api("/api/tracks?limit=1").json["total"]
            return tracks >= self._song_count and all(session["status"] == "completed" for session in sessions)

        wait_for("every scan is completed", completed)

        def analysed() -> bool:
            if tracks := _unanalysed(appliance):
                # wait_for shows it as the last value
                raise ValueError(f"{tracks}, queues: {appliance.api('/api/queues').json}")
            return True

        wait_for("every track is analysed", analysed)
        paths = sorted(track["path"] for track in appliance.all_items("/api/tracks"))
        assert paths == sorted(f"{MOUNT_POINT}/{song.relative_to(self._music)}" for song in self._music.rglob("*.ogg"))


def _rows(appliance: Appliance) -> set[Row]:
    """Return the finished scans with their times, and all tracks with their ids."""
    scans = {
        ("scan", scan["id"], scan["started_at"], scan["finished_at"])
        for scan in appliance.all_items("/api/scan-sessions")
        if scan["finished_at"]
    }
    tracks = {
        ("track", track["id"], track["path"], track["has_vector"]) for track in appliance.all_items("/api/tracks")
    }
    return scans | tracks


def _unanalysed(appliance: Appliance) -> list[tuple[str, str | None]]:
    """Return path and reason of each track without a vector."""
    tracks = appliance.all_items("/api/tracks")
    return [(track["path"], track["vector_failure"]) for track in tracks if not track["has_vector"]]


def table(records: list[Record]) -> str:
    """Return one line for each cut, and the totals of the run."""
    lines = []
    for record in records:
        scan = ", scan interrupted" if record.interrupted else ""
        lines.append(f"{record.cut}{scan}: {record.replay}; healthy after {record.recovery_seconds:.0f} s")
    lost = sum(record.replay.lost for record in records)
    slowest = max(record.recovery_seconds for record in records)
    return "\n".join([*lines, f"{len(records)} cuts, {lost} writes lost, slowest recovery {slowest:.0f} s"])
