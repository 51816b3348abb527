"""The upgrade as a transaction of this machine: it ends with the new release, or with the old one as it was.

Each step is in the journal before it is done, and each can be done again. So a machine whose power fails comes to one
of the two ends at its next boot (`resume`), and whoever has asked for the upgrade need not stay connected.
"""

import fcntl
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from soniquebay.releases import installed, library_copies, packages, preflight, programs, signatures, system_sets
from soniquebay.releases.journal import Journal, Upgrade
from soniquebay.releases.system_change import SystemChange

HEALTHY_SECONDS = 180.0  # an emulated machine needs this long, besides what the databases need
MIGRATED_BYTES_PER_SECOND = 4_000_000.0  # a database is copied and migrated on a slow card
MIN_CHECK_SECONDS = 120.0  # also for a release that was healthy in the last second
MAX_BOOTS = 2  # after the switch; a release that keeps ending the machine is undone without another try
LOCK_FILE = ".upgrade.lock"
# In `root` while an upgrade is open: the program of the old release, with which the next boot ends it.
PROGRAM_LINK = "upgrade-program"


class BusyError(click.ClickException):
    """Another transaction runs."""


@dataclass
class Transaction:
    """Upgrades the releases in `root`, whose data is in `data`."""

    root: Path
    data: Path
    command_link: Path
    control_socket: Path
    keep: int = 3
    healthy_seconds: float = HEALTHY_SECONDS
    tell: Callable[[str], None] = click.echo
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self.journal = Journal(self.root)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other transactions away. Raises `BusyError` while another one runs."""
        with (self.root / LOCK_FILE).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BusyError("another upgrade runs on this machine: wait for its end") from error
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it goes on when the terminal is gone
            yield

    def check_that_none_is_open(self) -> None:
        """Raise ``click.ClickException`` if an upgrade has not come to its end."""
        if (unfinished := self.journal.open_upgrade()) is not None:
            raise click.ClickException(
                f"the upgrade to {unfinished.new} has not come to its end: `soniquebay release resume` ends it"
            )

    def switch_to(self, new: str) -> Upgrade:
        """Make an installed release the current one, or leave the old one as it was; return what came of it.

        Raises ``click.ClickException`` when nothing was touched.
        """
        self.check_that_none_is_open()
        old = installed.current_version(self.root)
        if old is None or new not in installed.versions(self.root):
            raise click.ClickException(f"there is no release {new} in {self.root / 'releases'}")
        preflight.check_schemas(self.root / "releases" / new, self.data)
        preflight.check_health(self._health())
        preflight.check_power()
        self._prepare_system(old, new).save(self.root / system_sets.CHANGE_FILE)
        self._keep_program(old)
        library_copies.remove(self.data)
        self.journal.begin(Upgrade(old, new, "prepared", time.time(), self.healthy_seconds))
        try:
            self._stop()
        except click.ClickException as error:
            return self._undo(error.format_message())
        self.journal.note(step="switching")
        return self._try(new)

    def repair_system(self, version: str) -> SystemChange:
        """Bring the files of the system to those of the current release, and return what has changed."""
        change = self._prepare_system(None, version)
        change.write_new()
        return change

    def restart(self, version: str, system: SystemChange) -> None:
        """Restart the current release, whose files were repaired. Raises ``click.ClickException`` if it stays sick."""
        self._stop()
        self._start(version, system)
        self._check(version, self._wait(version))
        self._restart_the_rest()

    def resume(self) -> Upgrade | None:
        """End an upgrade that was interrupted, and return what came of it; None if there is none."""
        upgrade = self.journal.open_upgrade()
        if upgrade is None:
            return None
        self.healthy_seconds = upgrade.healthy_seconds
        self.tell(f"the upgrade from {upgrade.old} to {upgrade.new} was interrupted at the step '{upgrade.step}'")
        match upgrade.step:
            case "prepared":
                return self._undo("it was interrupted before the switch")
            case "healthy":
                return self._finish(upgrade)
            case "switching" if upgrade.boots < MAX_BOOTS:
                self.journal.note(boots=upgrade.boots + 1)
                return self._try(upgrade.new)
            case "switching":
                return self._undo(f"the machine has started {upgrade.boots + 1} times before it was healthy")
        return self._undo(upgrade.reason)

    def install(
        self, archive: Path, checksum: str, expected: str | None, *, is_signature_required: bool = False
    ) -> tuple[str, Path | None]:
        """Do what `installed.install` does, once nothing speaks against an upgrade. The current release is repaired.

        The archive has to be signed with a key that the current release trusts, if that trusts any; with
        `is_signature_required` in any case.
        """
        self.check_that_none_is_open()
        # before anything else reads the archive
        signatures.check(archive, self.root / "current", self.tell, is_required=is_signature_required)
        preflight.check_room_for_archive(archive, self.root, self.data)
        return installed.install(archive, self.root, checksum, expected, repair=True)

    def _prepare_system(self, old: str | None, new: str) -> SystemChange:
        """Install the Debian packages that a release needs, and return what it changes of the system."""
        planned = system_sets.plan_for(self.root, old, new, system_sets.rendered_set(self.root, new))
        if missing := packages.missing(planned.packages):
            self.tell(f"installing the Debian packages {', '.join(missing)}")
            packages.install(missing)
        for path in planned.kept:
            self.tell(f"{path} stays as it is, because it was edited")
        return planned.change

    def _keep_program(self, version: str) -> None:
        """Have the next boot use the program of the old release: it is known to work."""
        installed.point(self.root / PROGRAM_LINK, Path("releases", version, installed.PROGRAM))
        installed.sync(self.root)

    def _stop(self) -> None:
        self.tell("stopping the worker, whose tasks return to their queue")
        programs.stop_if_loaded(programs.TIMER, programs.WORKER)

    def _start(self, version: str, system: SystemChange, *, goes_back: bool = False) -> None:
        """Start a release, for which the files of the system are written.

        Raises ``click.ClickException`` when something fails; a command of the system's change only on the way forward.
        """
        installed.make_current(version, self.root, self.command_link)
        self.tell(f"starting release {version}")
        for failure in system.run_commands():
            if not goes_back:
                raise click.ClickException(failure)
            self.tell(failure)
        # The start of a worker lasts until the API has opened the library. With a broken API it would last until its
        # timeout, so this does not wait.
        programs.systemctl("restart", "--no-block", programs.API, programs.WORKER)

    def _try(self, new: str) -> Upgrade:
        system = system_sets.open_change(self.root)
        try:
            system.write_new()
            self._start(new, system)
            self._check(new, self._wait(new))
        except click.ClickException as error:
            return self._undo(error.format_message())
        return self._finish(self.journal.note(step="healthy"))

    def _wait(self, version: str) -> float:
        """Wait until a release is healthy, and return how many seconds of its time are left."""
        seconds = self.healthy_seconds + library_copies.size_bytes(self.data) / MIGRATED_BYTES_PER_SECOND
        self.tell(f"waiting until release {version} is healthy, for at most {seconds:.0f} s")
        deadline = time.monotonic() + seconds
        programs.wait_until_healthy(version, seconds, self._health)
        return deadline - time.monotonic()

    def _check(self, version: str, seconds: float) -> None:
        self.tell(f"checking that release {version} reads, analyses and plays a file")
        for sentence in programs.check(self.control_socket, version, max(seconds, MIN_CHECK_SECONDS)):
            self.tell(sentence)

    def _restart_the_rest(self) -> None:
        """Restart what no upgrade hangs on. An owner may have masked it."""
        for unit in (programs.FLOWER, programs.TIMER):
            try:
                programs.systemctl("restart", unit)
            except click.ClickException as error:
                self.tell(error.format_message())

    def _health(self) -> dict[str, Any]:
        return programs.health(self.control_socket)

    def _finish(self, upgrade: Upgrade) -> Upgrade:
        self._restart_the_rest()
        library_copies.remove(self.data)
        try:
            for folder in installed.remove_oldest(self.root, self.keep, {upgrade.old, upgrade.new}):
                self.tell(f"removed {folder}")
            system_sets.keep_change(self.root, upgrade.new)
            system_sets.remove_unused(self.root)
        except OSError as error:
            self.tell(f"an old release is not removed: {error}")
        self.tell(f"release {upgrade.new} runs")
        return self._end(step="finished")

    def _undo(self, reason: str) -> Upgrade:
        """Make the old release the current one again, with the library as it was before its schema changed."""
        upgrade = self.journal.note(step="undoing", reason=reason)
        self.tell(f"{reason}: going back to {upgrade.old}")
        system = system_sets.open_change(self.root)
        try:
            # First the link: otherwise the new release could open the library again.
            installed.make_current(upgrade.old, self.root, self.command_link)
            # Only then is it known whether there are copies: the new release may be writing one.
            # Connections to the control socket would start the API; the API's start opens the socket again.
            programs.stop_if_loaded(
                programs.TIMER, programs.WORKER, programs.API_SOCKET, programs.CONTROL_SOCKET, programs.API
            )
            try:
                library_copies.restore(self.data)
                library_copies.remove(self.data)
                system.write_old()
            finally:
                programs.systemctl("start", programs.API_SOCKET)
            self._start(upgrade.old, system, goes_back=True)
            self._wait(upgrade.old)  # without a check: there is nothing left to go back to
        except click.ClickException as error:
            self.tell(f"release {upgrade.old} is not healthy either: {error.format_message()}")
            return self._end(step="failed", reason=f"{reason}; going back: {error.format_message()}")
        self._restart_the_rest()
        self.tell(f"release {upgrade.old} runs again, with the library as it was")
        return self._end(step="undone")

    def _end(self, **changes: Any) -> Upgrade:
        ended = self.journal.note(**changes)
        (self.root / PROGRAM_LINK).unlink(missing_ok=True)
        (self.root / system_sets.CHANGE_FILE).unlink(missing_ok=True)
        return ended
