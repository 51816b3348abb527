"""The emulated Raspberry Pi: boots a copy of a card image, and is gone without a trace when it ends.

with Machine(image) as machine:
    machine.start()
    machine.wait_for_ssh()
    machine.ssh("systemctl is-system-running")
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from .. import build_root
from ..build_root import BuildRoot
from ..card import copy_larger
from ..errors import ActionableError
from . import cloudinit
from .access import Access, Answer
from .boot_partition import BootPartition
from .console import Console
from .emulator import Emulator
from .qmp import Monitor

# The Pi's own consoles are not on this machine; the last one named is where systemd reports.
CONSOLE = "console=ttyAMA0,115200 systemd.show_status=true"
# Page tables of the kernel's own make each system call empty QEMU's TLB, twice: it takes ten times as long, and a boot
# nearly twice.
QUICK = "kpti=off"
# That all has started is known without a network: from the journal, for systemd itself is silent once a login is there.
JOURNAL = "systemd.journald.forward_to_console=1"
STARTED = "Reached target soniquebay.target"
_FACTS = "machine.json"
# Seconds. What takes one on a Pi takes twenty here, three times that on a poor computer; only failures last so long.
PATIENCE = 900.0

Report = Callable[[str], None]


def quiet(_: str) -> None:
    """A report that nobody reads."""


class Machine:
    """One emulated machine with its own copy of the image, key and ports."""

    USB_BUS = "usb.0"
    KERNEL = QUICK

    def __init__(
        self,
        image: Path,
        *,
        ports: Mapping[str, int] | None = None,
        disk_gibibytes: int = 6,
        memory_mebibytes: int = 4096,
        cpus: int = 4,
        hostname: str = "soniquebay",
        console_log: Path | None = None,
        offline: bool = False,
        clock: str | None = None,
        outlives: bool = False,
        tools: BuildRoot | None = None,
    ) -> None:
        """`ports` maps "ssh", "http" and "flower" to local ports; what is not named gets a free one.

        `offline`: its cable is plugged in only when all has started, and even then it reaches nothing itself; it is
        reached by its ports. `clock`: the date and time, ISO 8601 and UTC,
        at which it believes to be switched on. `outlives`: it is not stopped when this process ends, and `attach` finds
        it again.
        """
        self.image = image
        self.hostname = hostname
        self.access = Access(ports or {})
        self._disk_gibibytes = disk_gibibytes
        self._memory = memory_mebibytes
        self._cpus = cpus
        self._offline = offline
        self._clock = clock
        self._outlives = outlives
        self._tools = tools or build_root.find() or build_root.ensure()
        self._folder = Path()
        self._console_log = console_log
        self._process: Emulator | None = None
        self._monitor: Monitor | None = None
        self._disks: dict[str, Path] = {}
        self._started = 0.0
        self._unplugged = False

    # --- life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Prepare the copy of the card; `start` boots it."""
        self.prepare()
        return self

    def prepare(self) -> Path:
        """A folder with the copy of the card, which `discard` removes."""
        self._live_in(Path(tempfile.mkdtemp(prefix="soniquebay-machine-", dir=_scratch())))
        try:
            self._prepare_card()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        return self._folder

    @classmethod
    def attach(cls, folder: Path) -> Machine:
        """The machine that another process has prepared in `folder` and may have started there."""
        facts = json.loads((folder / _FACTS).read_text())
        pid = facts.pop("pid")
        machine = cls(Path(facts.pop("image")), outlives=True, **facts)
        machine._live_in(folder)
        machine._process = Emulator.find(pid, str(folder))
        return machine

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process and no file, whatever happened."""
        self.discard(grace=0 if kind is not None else 30)

    def discard(self, grace: float = 0) -> None:
        """Stop it and remove all that is left of it."""
        try:
            self.stop(grace)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def card(self) -> Path:
        """The copy of the image that is booted."""
        return self._folder / "card.img"

    @property
    def ssh_config(self) -> Path:
        """An ssh_config in which the machine is the host "soniquebay"."""
        return self.access.config

    @property
    def console(self) -> Console:
        """All that the machine wrote to its serial console."""
        return Console(self._console_log or self._folder / "console.log")

    @property
    def seconds(self) -> float:
        """Time since the power was switched on."""
        return time.monotonic() - self._started

    @property
    def running(self) -> bool:
        """Whether QEMU runs."""
        return self._process is not None and self._process.running

    def url(self, service: str = "http") -> str:
        """Where a service of the machine is reached from here."""
        return self.access.url(service)

    def start(self) -> None:
        """Switch it on: with what its own boot partition names, as the Pi's firmware would."""
        boot = BootPartition(self.card, self._tools)
        files = boot.boot_files()
        kernel = boot.extract(files.kernel, self._folder / "kernel")
        initramfs = boot.extract(files.initramfs, self._folder / "initramfs")
        self.access.prepare()
        command = [
            *("-nodefaults", "-no-user-config", "-display", "none"),
            *("-L", f"{self._tools.root}/usr/share/qemu", "-L", f"{self._tools.root}/usr/lib/ipxe/qemu"),
            *self._board(),
            *self._card_drive(),
            *("-kernel", str(kernel), "-initrd", str(initramfs)),
            *("-append", " ".join((files.command_line, CONSOLE, self.KERNEL, JOURNAL if self._offline else ""))),
            *("-chardev", f"file,id=console,path={self.console.log}", "-serial", "chardev:console"),
            *("-qmp", f"unix:{self._socket},server=on,wait=off"),
            *(("-rtc", f"base={self._clock}") if self._clock else ()),
        ]
        environment = self._tools.environment(TMPDIR=str(self._folder))
        native = self._tools.native("qemu-system-aarch64", *command)
        self._process = Emulator.start(native, environment, self._folder / "qemu.log", outlives=self._outlives)
        self._write_facts(self._process.pid)
        self._started = time.monotonic()
        try:
            self._monitor = Monitor(self._socket)
        except ActionableError as problem:
            raise ActionableError(f"QEMU did not start: {self._qemu_says()}", "Is a port in use?") from problem
        if self._offline:
            self._plug(cable=False)

    def wait_for_ssh(self, report: Report = quiet) -> None:
        """Wait until a login works; `report` gets the last thing the console said."""
        deadline = time.monotonic() + PATIENCE
        refusal = ""
        while time.monotonic() < deadline:
            if not self.running:
                raise ActionableError(
                    f"The machine stopped while booting: {self._qemu_says()}", self.console.last_words()
                )
            report(self.console.line())
            if self._unplugged and self.console.has_said(STARTED):
                self._plug(cable=True)
            if self.access.answers():
                login = self.ssh("true", timeout=60)
                if login.returncode == 0:
                    return
                refusal = login.stderr.strip()
            time.sleep(1)
        raise ActionableError(f"No login within {PATIENCE:.0f} s. {refusal}", self.console.last_words())

    def stop(self, grace: float = 30) -> None:
        """Shut down as a press of the power button would; after `grace` seconds, pull the plug."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            if grace > 0 and process.running:
                with contextlib.suppress(ActionableError, OSError):
                    self._control().execute("system_powerdown")
                    process.wait(grace)
        finally:
            process.kill()
            process.close()
            self.release_monitor()
            self._disks.clear()

    def release_monitor(self) -> None:
        """Leave a machine that outlives us to others: only one at a time can speak to its monitor."""
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None

    # --- access ---------------------------------------------------------------------------------------------------

    def ssh(self, command: str, *, timeout: float | None = PATIENCE / 3, check: bool = False) -> Answer:
        """Run a shell command as the operator."""
        done = self.access.run(command, timeout)
        if check and done.returncode:
            raise ActionableError(f"On the machine, {command!r} ended with {done.returncode}: {done.stderr.strip()}")
        return done

    def scp(self, source: Path, target: str) -> None:
        """Copy a file or folder to the machine."""
        self.access.copy(source, target)

    def written(self) -> int:
        """Bytes that the machine has written to its card since it was switched on."""
        stats = self._control().execute("query-blockstats")
        return sum(
            int(device["stats"]["wr_bytes"])
            for device in stats
            if "card" in (device.get("device"), device.get("node-name"))
        )

    # --- the USB port ---------------------------------------------------------------------------------------------

    def attach_disk(self, path: Path, name: str = "music", *, read_only: bool = True) -> None:
        """Plug a disk image into the USB port. Read-only protects the file here, not the disk there."""
        monitor = self._control()
        file = {"driver": "file", "filename": str(path.absolute()), "locking": "off" if read_only else "auto"}
        monitor.execute("blockdev-add", **{"node-name": name, "driver": "raw", "read-only": read_only, "file": file})
        monitor.execute(
            "device_add",
            driver="usb-storage",
            id=f"usb-{name}",
            drive=name,
            bus=self.USB_BUS,
            removable=True,
            serial=name,
        )
        self._disks[name] = path

    def detach_disk(self, name: str = "music") -> None:
        """Pull it out, without a word to the machine."""
        monitor = self._control()
        monitor.execute("device_del", id=f"usb-{name}")
        monitor.wait_event("DEVICE_DELETED", 30, device=f"usb-{name}")
        monitor.execute("blockdev-del", **{"node-name": name})
        del self._disks[name]

    # --- within ---------------------------------------------------------------------------------------------------

    def _live_in(self, folder: Path) -> None:
        self._folder = folder
        self.access.live_in(folder)

    def _board(self) -> list[str]:
        """QEMU's options for board, processors, memory, network and USB."""
        return [
            *("-machine", "virt,gic-version=3", "-cpu", "cortex-a72"),
            *("-smp", str(self._cpus), "-m", str(self._memory)),
            *("-netdev", self._network(), "-device", "virtio-net-pci,netdev=net,romfile="),
            *("-device", "virtio-rng-pci", "-device", "qemu-xhci,id=usb"),
            # it has to be fed, but a busy host is no reason to start again
            *("-device", "i6300esb", "-action", "watchdog=none"),
        ]

    def _card_drive(self) -> list[str]:
        """QEMU's options for the card."""
        return [
            *("-drive", f"if=none,id=card,format=raw,file={self.card},cache=unsafe,discard=unmap"),
            *("-device", "virtio-blk-pci,drive=card"),
        ]

    def _plug(self, *, cable: bool) -> None:
        """Plug the network's cable in, or pull it out."""
        self._control().execute("set_link", name="net", up=cable)
        self._unplugged = not cable

    def _network(self) -> str:
        """The user network "net", with the ports that are forwarded."""
        return ",".join(("user,id=net", *(["restrict=on"] if self._offline else []), *self.access.forwards()))

    def _prepare_card(self) -> None:
        copy_larger(self.image, self.card, self._disk_gibibytes)
        boot = BootPartition(self.card, self._tools)
        files = cloudinit.files(self.hostname, self.access.make_key())
        for name, content in files.items():
            boot.write(name, content, self._folder)

    @property
    def _socket(self) -> Path:
        return self._folder / "qmp"

    def _control(self) -> Monitor:
        if self._monitor is None:
            if not self._socket.exists():
                raise ActionableError("The machine is off.")
            self._monitor = Monitor(self._socket)
        return self._monitor

    def _write_facts(self, pid: int) -> None:
        facts = {
            "pid": pid,
            "image": str(self.image),
            "ports": self.access.ports,
            "memory_mebibytes": self._memory,
            "cpus": self._cpus,
            "hostname": self.hostname,
            "offline": self._offline,
            "clock": self._clock,
        }
        (self._folder / _FACTS).write_text(json.dumps(facts))

    def _qemu_says(self) -> str:
        try:
            return (self._folder / "qemu.log").read_text(errors="replace").strip() or "no message"
        except FileNotFoundError:
            return "no message"


def _scratch() -> str:
    # the copy of the card is gigabytes: /tmp may be memory
    return os.environ.get("TMPDIR") or "/var/tmp"  # noqa: S108  mkdtemp makes a private folder in it
