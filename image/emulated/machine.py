"""The emulated Raspberry Pi: boots a copy of a card image, and leaves no process and no file when it ends.

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
from ..card import copy_enlarged
from ..errors import ActionableError
from . import cloudinit
from .access import Access, CommandResult
from .boot_partition import BootPartition
from .cable import Cable
from .console import Console
from .emulator import Emulator
from .qmp import Monitor

# The Pi's consoles do not exist on this machine. systemd reports to the console that is named last.
CONSOLE_OPTIONS = "console=ttyAMA0,115200 systemd.show_status=true"
# With kernel page-table isolation each system call flushes QEMU's TLB twice and takes ten times as long; a boot takes
# nearly twice as long.
NO_PAGE_TABLE_ISOLATION = "kpti=off"
# Without a network, only the console shows when all has started. systemd writes no status there after the login prompt,
# so the journal is forwarded to it.
JOURNAL_OPTIONS = "systemd.journald.forward_to_console=1"
STARTED_MESSAGE = "Reached target soniquebay.target"
_STATE_FILE = "machine.json"
# One second of a Pi takes twenty seconds here, and sixty on a slow computer. Only failures take as long as this limit.
MACHINE_TIMEOUT_SECONDS = 900.0

Report = Callable[[str], None]


def ignore_report(_: str) -> None:
    """Do nothing with a progress message."""


class Machine:
    """One emulated machine with its own copy of the image, SSH key and ports."""

    USB_BUS = "usb.0"
    KERNEL_OPTIONS = NO_PAGE_TABLE_ISOLATION

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
        cable: Cable | None = None,
        detached: bool = False,
        tools: BuildRoot | None = None,
    ) -> None:
        """Set the machine up; `prepare` makes its files and `start` boots it.

        `ports` maps "ssh", "http" and "flower" to local ports; a service that is not named gets a free port.
        `offline`: the network cable is plugged in only when all has started, and even then the machine reaches nothing
        outside; its forwarded ports work. `clock`: date and time of the real-time clock at power-on, ISO 8601 and UTC.
        `cable`: one end of a cable to another machine.
        `detached`: the machine keeps running when this process ends, and `attach` finds it again.
        """
        self.image = image
        self.hostname = hostname
        self.access = Access(ports or {})
        self._disk_gibibytes = disk_gibibytes
        self._memory = memory_mebibytes
        self._cpus = cpus
        self._offline = offline
        self._clock = clock
        self._cable = cable
        self._detached = detached
        self._tools = tools or build_root.find() or build_root.ensure()
        self._folder = Path()
        self._console_log = console_log
        self._process: Emulator | None = None
        self._monitor: Monitor | None = None
        self._started = 0.0
        self._link_is_down = False

    # --- life cycle -----------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Prepare the machine; `start` boots it."""
        self.prepare()
        return self

    def prepare(self) -> Path:
        """Make the machine's folder with its copy of the card and return the folder; `destroy` removes it."""
        self._use_folder(Path(tempfile.mkdtemp(prefix="soniquebay-machine-", dir=_temporary_folder())))
        try:
            self._prepare_card()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        return self._folder

    @classmethod
    def attach(cls, folder: Path) -> Machine:
        """Return the machine that another process has started in `folder`; it may have ended since.

        Raises `FileNotFoundError` when it was never started.
        """
        options = json.loads((folder / _STATE_FILE).read_text())
        pid = options.pop("pid")
        cable = Cable.from_state(options.pop("cable"))
        machine = cls(Path(options.pop("image")), cable=cable, detached=True, **options)
        machine._use_folder(folder)
        machine._process = Emulator.find(pid, str(folder))
        return machine

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Destroy the machine; after an exception at once, without a shutdown."""
        self.destroy(grace_seconds=0 if kind is not None else 30)

    def destroy(self, grace_seconds: float = 0) -> None:
        """Stop the machine as `stop` does and remove its files."""
        try:
            self.stop(grace_seconds)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def card(self) -> Path:
        """Return the path of the card: the copy of the image that is booted."""
        return self._folder / "card.img"

    @property
    def ssh_config(self) -> Path:
        """Return the path of an ssh_config in which the machine is the host "soniquebay"."""
        return self.access.config

    @property
    def console(self) -> Console:
        """Return the serial console, with all that the machine wrote to it."""
        return Console(self._console_log or self._folder / "console.log")

    @property
    def uptime_seconds(self) -> float:
        """Return the seconds since the power was switched on."""
        return time.monotonic() - self._started

    @property
    def running(self) -> bool:
        """Tell whether QEMU runs."""
        return self._process is not None and self._process.running

    def url(self, service: str = "http") -> str:
        """Return the local URL of a service of the machine."""
        return self.access.url(service)

    def control_url(self) -> str:
        """Return the local URL of the API's socket for administrators, as a ``unix://`` address."""
        return self.access.control_url()

    def start(self) -> None:
        """Switch the machine on, with the kernel and initramfs that its boot partition names.

        Raises `ActionableError` when QEMU does not start.
        """
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
            *("-append", self._command_line(files.command_line)),
            *("-chardev", f"file,id=console,path={self.console.log}", "-serial", "chardev:console"),
            *("-qmp", f"unix:{self._socket},server=on,wait=off"),
            *(("-rtc", f"base={self._clock}") if self._clock else ()),
        ]
        environment = self._tools.environment(TMPDIR=str(self._folder))
        native = self._tools.native("qemu-system-aarch64", *command)
        self._process = Emulator.start(native, environment, self._folder / "qemu.log", detached=self._detached)
        self._write_state(self._process.pid)
        self._started = time.monotonic()
        try:
            self._monitor = Monitor(self._socket)
        except ActionableError as problem:
            raise ActionableError(
                f"QEMU did not start: {self._qemu_messages()}", "Check that no other program uses its ports."
            ) from problem
        if self._offline:
            self._set_link(up=False)

    def wait_for_ssh(self, report: Report = ignore_report) -> None:
        """Wait until a login works, and pass the console's last message to `report` meanwhile.

        Raises `ActionableError` when the machine stops, or when no login works within `MACHINE_TIMEOUT_SECONDS`.
        """
        deadline = time.monotonic() + MACHINE_TIMEOUT_SECONDS
        login_error = ""
        while time.monotonic() < deadline:
            if not self.running:
                raise ActionableError(
                    f"The machine stopped while booting: {self._qemu_messages()}", self.console.last_lines()
                )
            report(self.console.last_message())
            if self._link_is_down and self.console.contains(STARTED_MESSAGE):
                self._set_link(up=True)
            if self.access.ssh_answers():
                login = self.ssh("true", timeout_seconds=60)
                if login.returncode == 0:
                    return
                login_error = login.stderr.strip()
            time.sleep(1)
        raise ActionableError(
            f"No login within {MACHINE_TIMEOUT_SECONDS:.0f} s. {login_error}", self.console.last_lines()
        )

    def stop(self, grace_seconds: float = 30) -> None:
        """Shut down as the power button does; cut the power after `grace_seconds`, at once when that is 0."""
        self.access.close_tunnel()
        process, self._process = self._process, None
        if process is None:
            return
        try:
            if grace_seconds > 0 and process.running:
                with contextlib.suppress(ActionableError, OSError):
                    self._connected_monitor().execute("system_powerdown")
                    process.wait(grace_seconds)
        finally:
            process.kill()
            process.close()
            self.release_monitor()

    def release_monitor(self) -> None:
        """Close the connection to QEMU's monitor, which serves one client at a time, and the tunnel to the API."""
        self.access.close_tunnel()
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None

    # --- access ---------------------------------------------------------------------------------------------------

    def ssh(
        self, command: str, *, timeout_seconds: float | None = MACHINE_TIMEOUT_SECONDS / 3, check: bool = False
    ) -> CommandResult:
        """Run a shell command as the operator.

        After `timeout_seconds` the command is given up, with exit status 124. Raises `ActionableError` when `check` is
        set and the command fails.
        """
        result = self.access.run(command, timeout_seconds)
        if check and result.returncode:
            error = result.stderr.strip()
            raise ActionableError(f"On the machine, {command!r} ended with {result.returncode}: {error}")
        return result

    def scp(self, source: Path, target: str) -> None:
        """Copy a file or folder to the machine."""
        self.access.copy(source, target)

    def bytes_written(self) -> int:
        """Return how many bytes the machine has written to its card since it was switched on."""
        stats = self._connected_monitor().execute("query-blockstats")
        return sum(
            int(device["stats"]["wr_bytes"])
            for device in stats
            if "card" in (device.get("device"), device.get("node-name"))
        )

    # --- the USB port ---------------------------------------------------------------------------------------------

    def attach_disk(self, path: Path, name: str = "music", *, read_only: bool = True) -> None:
        """Plug a disk image into the USB port.

        `read_only` protects the image file on this host; it does not choose how the machine mounts the disk.
        """
        monitor = self._connected_monitor()
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

    def detach_disk(self, name: str = "music") -> None:
        """Pull a disk out without an unmount."""
        monitor = self._connected_monitor()
        monitor.execute("device_del", id=f"usb-{name}")
        monitor.wait_event("DEVICE_DELETED", 30, device=f"usb-{name}")
        monitor.execute("blockdev-del", **{"node-name": name})

    # --- internals ------------------------------------------------------------------------------------------------

    def _use_folder(self, folder: Path) -> None:
        self._folder = folder
        self.access.use_folder(folder)

    def _board(self) -> list[str]:
        """Return QEMU's options for board, processors, memory, network and USB."""
        return [
            *("-machine", "virt,gic-version=3", "-cpu", "cortex-a72"),
            *("-smp", str(self._cpus), "-m", str(self._memory)),
            *("-netdev", self._network(), "-device", "virtio-net-pci,netdev=net,romfile="),
            *(self._cable.device() if self._cable else ()),
            *("-device", "virtio-rng-pci", "-device", "qemu-xhci,id=usb"),
            # the guest has a watchdog to feed, but its timeout on a busy host must not reset the machine
            *("-device", "i6300esb", "-action", "watchdog=none"),
        ]

    def _card_drive(self) -> list[str]:
        """Return QEMU's options for the card."""
        return [
            *("-drive", f"if=none,id=card,format=raw,file={self.card},cache=unsafe,discard=unmap"),
            *("-device", "virtio-blk-pci,drive=card"),
        ]

    def _set_link(self, *, up: bool) -> None:
        """Plug the network cable in, or pull it out."""
        self._connected_monitor().execute("set_link", name="net", up=up)
        self._link_is_down = not up

    def _network(self) -> str:
        """Return QEMU's option for the user network "net" with its port forwards."""
        return ",".join(("user,id=net", *(["restrict=on"] if self._offline else []), *self.access.port_forwards()))

    def _command_line(self, card_options: str) -> str:
        """Return the kernel's command line: the card's own options and those that the emulated machine needs."""
        return " ".join((card_options, CONSOLE_OPTIONS, self.KERNEL_OPTIONS, JOURNAL_OPTIONS if self._offline else ""))

    def _prepare_card(self) -> None:
        copy_enlarged(self.image, self.card, self._disk_gibibytes)
        boot = BootPartition(self.card, self._tools)
        files = cloudinit.files(self.hostname, self.access.make_key(), self._cable)
        for name, content in files.items():
            boot.write(name, content, self._folder)

    @property
    def _socket(self) -> Path:
        return self._folder / "qmp"

    def _connected_monitor(self) -> Monitor:
        if self._monitor is None:
            if not self._socket.exists():
                raise ActionableError("The machine is off.")
            self._monitor = Monitor(self._socket)
        return self._monitor

    def _write_state(self, pid: int) -> None:
        state = {
            "pid": pid,
            "image": str(self.image),
            "ports": self.access.ports,
            "memory_mebibytes": self._memory,
            "cpus": self._cpus,
            "hostname": self.hostname,
            "offline": self._offline,
            "clock": self._clock,
            "cable": self._cable.state if self._cable else None,
        }
        (self._folder / _STATE_FILE).write_text(json.dumps(state))

    def _qemu_messages(self) -> str:
        try:
            return (self._folder / "qemu.log").read_text(errors="replace").strip() or "no message"
        except FileNotFoundError:
            return "no message"


def _temporary_folder() -> str:
    # the copy of the card takes gigabytes, and /tmp may be in memory
    return os.environ.get("TMPDIR") or "/var/tmp"  # noqa: S108  mkdtemp makes a private folder in it
