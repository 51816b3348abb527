"""The life of a card between power cuts: what is done to it, and what has to be true after each."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from image import music
from image.build_root import BuildRoot
from image.emulated.power_cut import PowerCutMachine
from image.emulated.power_cut_replay import Outcome
from image.ui import duration, step
from tests.audio_files import tone
from tests.image.appliance import Appliance, until
from tests.image.disk import PLACE

from .card import faults
from .plan import Cut, Phase

FACTS = (Path(__file__).parent / "facts.py").read_text()
SONGS = 12
REDIS_IS_WELL = {
    "ping": "PONG",
    "aof_enabled": "1",
    "loading": "0",
    "aof_last_write_status": "ok",
    "aof_last_bgrewrite_status": "ok",
}
IDENTITY = ("machine_id", "host_key", "password")
Row = tuple[Any, ...]
# Files of /etc that are empty on a machine that never lost its power, or may be.
EMPTY = {
    "/etc/.pwd.lock",
    "/etc/environment",
    "/etc/security/opasswd",
    "/etc/subgid",
    "/etc/subgid-",
    "/etc/subuid",
    "/etc/subuid-",
    "/etc/sv/ssh/.meta/installed",
    # systemd-update-done's sign that all is up to date: its moment counts, and what stands in it only on a file system
    # that has no fractions of a second
    "/etc/.updated",
}


@dataclass(frozen=True)
class Record:
    """What came of a cut."""

    cut: Cut
    outcome: Outcome
    seconds: float
    """From power on to healthy."""
    interrupted: bool
    """Whether a scan or its analysis was at work."""


class Story:
    """One card after another, each with its machine."""

    def __init__(self, image: Path, tools: BuildRoot, folder: Path, rehearsals: int) -> None:
        """`rehearsals` is how many more cards a cut makes, of other moments of the boot, that are only looked at."""
        self.records: list[Record] = []
        self._image = image
        self._tools = tools
        self._folder = folder
        self._rehearsals = rehearsals
        self._life = ExitStack()
        self._appliance: Appliance | None = None
        self._identity: dict[str, str] | None = None
        self._others: list[dict[str, str]] = []  # of the cards before
        self._disk: Path | None = None
        self._tree = folder
        self._songs = 0
        self._noted, self._noted_at = "", 0
        self._kept: set[Row] = set()

    def __enter__(self) -> Story:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._life.__exit__(kind, error, trace)

    def live(self, cut: Cut) -> None:
        """Up to the cut, and back to health; fails saying what is wrong."""
        with step(f"{cut}") as current:
            machine = self._machine(cut)
            interrupted = cut.phase == Phase.SCAN and self._appliance is not None and not self._at_rest(self._appliance)
            outcome = machine.cut_power(cut.chance, self._judge_card, self._rehearsals, self._noted_at)
            current.report_status(str(outcome))
            self._judge_card(machine.card, str(outcome))
            machine.start()
            if self._disk is not None:
                machine.attach_disk(self._disk)
            appliance = Appliance(machine)
            appliance.healthy()
            seconds = machine.seconds
            self._judge_machine(appliance, cut.phase)
            lost = self._kept - _rows(appliance)
            assert not lost, f"the library had these, on the card: {sorted(lost, key=str)}"
            self._judge_library(appliance)
            self._note(appliance, machine, cut)
            self._appliance = appliance
        self.records.append(Record(cut, outcome, seconds, interrupted))
        print(f"    {outcome}; healthy after {duration(seconds)}")

    def _machine(self, cut: Cut) -> PowerCutMachine:
        """The machine, in the middle of what the cut is to interrupt."""
        if cut.phase == Phase.FIRST_BOOT:
            self._life.close()
            self._others += [self._identity] if self._identity else []
            machine = self._life.enter_context(PowerCutMachine(self._image, tools=self._tools))
            self._identity, self._disk, self._songs = None, None, 0
            self._noted, self._noted_at, self._kept = "", 0, set()
            self._tree = self._folder / f"music-{cut.number}"
            machine.start()
            until("its first write", machine.has_written, pause=0.5)
            time.sleep(cut.moment)
            return machine
        assert self._appliance is not None
        machine = self._appliance.machine
        assert isinstance(machine, PowerCutMachine)
        if cut.phase == Phase.SCAN:
            appliance = self._appliance
            if self._disk is not None:
                machine.detach_disk()
                until("the old disk is gone", lambda: appliance.try_run(f"findmnt {PLACE}")[0] != 0)
            known = appliance.api("/api/scan-sessions?limit=1").json["total"]
            self._disk = self._more_music(cut.number)
            machine.attach_disk(self._disk)
            until("the scan", lambda: appliance.api("/api/scan-sessions?limit=1").json["total"] > known, pause=1)
        time.sleep(cut.moment)
        return machine

    def _at_rest(self, appliance: Appliance) -> bool:
        """Whether all songs are there and analysed."""
        return appliance.api("/api/tracks?limit=1").json["total"] >= self._songs and not _waiting(appliance)

    def _more_music(self, number: int) -> Path:
        """A disk with the songs of the one before, and some more."""
        for index in range(self._songs, self._songs + SONGS):
            song = self._tree / f"album {number}" / f"song {index}.ogg"
            song.parent.mkdir(parents=True, exist_ok=True)
            tone(song, 1.0, 220.0 + 10 * index, title=f"Song {index}", artist="Somebody", album=f"Album {number}")
        self._songs += SONGS
        disk = self._folder / f"music-{number}.img"
        with step("Music disk") as current:
            music.make(disk, self._tree, self._tools, current)
        return disk

    # --- what has to be true ----------------------------------------------------------------------------------------

    def _judge_card(self, card: Path, how: str) -> None:
        """Before it is booted, from outside."""
        found = faults(card, self._tools, self._folder)
        assert not found, "\n".join((how, *found))

    def _judge_machine(self, appliance: Appliance, phase: Phase) -> None:
        """Booted, from inside."""
        appliance.machine.wait_for_ssh()
        facts: dict[str, Any] = json.loads(appliance.run(f"python3 - <<'END'\n{FACTS}\nEND"))
        user = appliance.machine.access.user
        expected: dict[str, Any] = {
            "state": "running",
            "failed": [],
            "died": [],
            "note": self._noted,
            "kernel": [],
            "cloud": {"status": "disabled", "errors": []},
            "library": [],
            "redis": REDIS_IS_WELL,
            "kept": True,
            "hostname": appliance.machine.hostname,
            "homes": {user: user},
            "unfinished": [],
        }
        if phase == Phase.FIRST_BOOT and facts["cloud"]["status"] == "done":
            expected["cloud"]["status"] = "done"  # the cut came before its work counted
        wrong = {name: facts[name] for name, value in expected.items() if facts[name] != value}
        emptied = [path for path in facts["empty"] if path not in EMPTY]
        assert not wrong, wrong
        assert not emptied, emptied
        assert (len(facts["machine_id"]), len(facts["password"])) == (32, 24)
        assert facts["host_key"].startswith("ssh-ed25519 "), facts["host_key"]
        identity = {name: facts[name] for name in IDENTITY}
        assert self._identity in (None, identity), f"made once, and not kept: {self._identity} is now {identity}"
        self._identity = identity
        for other in self._others:
            assert not identity.items() & other.items(), f"two cards share a secret: {identity} and {other}"

    def _note(self, appliance: Appliance, machine: PowerCutMachine, cut: Cut) -> None:
        """Give Redis something that it says is on the card before the next cut, and put the library there.

        Both have to be there after it. That a new scan would find the same files again is no excuse.
        """
        self._noted = f"cut-{cut.number}"
        line = f"set power-cuts {self._noted}\\nwaitaof 1 0 0\\n"
        said = appliance.run(f"printf '{line}' | redis-cli -s /run/redis/redis-server.sock").split()
        assert said == ["OK", "1", "0"], said
        self._kept = _rows(appliance)
        appliance.run("sync")
        time.sleep(1)  # the log of the writes has no holes up to there any more
        self._noted_at = machine.requests()

    def _judge_library(self, appliance: Appliance) -> None:
        """Every file is one track, and nothing waits that nobody will do."""
        if self._disk is None:
            return

        def done() -> bool:
            sessions = appliance.all_of("/api/scan-sessions")
            tracks = appliance.api("/api/tracks?limit=1").json["total"]
            return tracks >= self._songs and all(session["status"] == "completed" for session in sessions)

        until("every scan is completed", done)

        def analysed() -> bool:
            if waiting := _waiting(appliance):
                raise ValueError(f"{waiting}, queues: {appliance.api('/api/queues').json}")  # as what was seen last
            return True

        until("every track is analysed", analysed)
        paths = sorted(track["path"] for track in appliance.all_of("/api/tracks"))
        assert paths == sorted(f"{PLACE}/{song.relative_to(self._tree)}" for song in self._tree.rglob("*.ogg"))


def _rows(appliance: Appliance) -> set[Row]:
    """What is in the library: the scans there have been, each with its moments, and every track with its number."""
    scans = {
        ("scan", scan["id"], scan["started_at"], scan["finished_at"])
        for scan in appliance.all_of("/api/scan-sessions")
        if scan["finished_at"]
    }
    tracks = {("track", track["id"], track["path"], track["has_vector"]) for track in appliance.all_of("/api/tracks")}
    return scans | tracks


def _waiting(appliance: Appliance) -> list[tuple[str, str | None]]:
    """Path of each track without its vector, and why it has none."""
    tracks = appliance.all_of("/api/tracks")
    return [(track["path"], track["vector_failure"]) for track in tracks if not track["has_vector"]]


def table(records: list[Record]) -> str:
    """The run at a glance."""
    lines = []
    for record in records:
        work = ", at work" if record.interrupted else ""
        lines.append(f"{record.cut}{work}: {record.outcome}; healthy after {record.seconds:.0f} s")
    lost = sum(record.outcome.lost for record in records)
    slowest = max(record.seconds for record in records)
    return "\n".join([*lines, f"{len(records)} cuts, {lost} writes lost, slowest return {slowest:.0f} s"])
