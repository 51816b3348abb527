"""The card in QEMU's Raspberry Pi 4: the board's own device tree, its SD controller, its memory, its USB."""

from __future__ import annotations

from pathlib import Path

from .. import devicetree
from ..build_root import BuildRoot
from ..devicetree import Change
from .boot_partition import BootPartition
from .machine import Machine

DEVICE_TREE = "bcm2711-rpi-4-b.dtb"

# What Linux's device tree promises and QEMU 10 has not got. With these off the kernel does not look for them.
MISSING = (
    "/gpu",
    "/scb/gpu@7ec00000",
    "/soc/avs-monitor@7d5d2000",
    "/soc/clock@7ef00000",
    "/soc/hdmi@7ef00700",
    "/soc/hdmi@7ef05700",
    "/soc/hvs@7e400000",
    "/soc/i2c@7ef04500",
    "/soc/i2c@7ef09500",
    "/soc/interrupt-controller@7ef00100",  # the kernel panics when it asks it
)
# The interrupt of QEMU's second serial port never ends once there is something to send, and a processor is lost to it.
_SECOND_PORT = "/soc/serial@7e215040"
# QEMU's watchdog does not count: it resets the board as soon as systemd sets it.
NO_WATCHDOG = "systemd.watchdog_sec=off"
_WIFI_SLOT = "/soc/mmc@7e300000"  # QEMU puts the card here
_CARD_SLOT = "/emmc2bus/mmc@7e340000"
CHANGES = (
    # as the Pi's firmware does: with it the kernel takes a random address, and page tables of its own
    Change("/chosen", "kaslr-seed", "7 bytes"),
    # the only USB there is, as a host: the board's own are behind PCIe, which QEMU has not got
    Change("/soc/usb@7e980000", "dr_mode", "host"),
    *(Change(node, "status", "disabled") for node in (*MISSING, _SECOND_PORT)),
    Change(_WIFI_SLOT, "mmc-pwrseq", remove=True),
    Change(_WIFI_SLOT, "non-removable", remove=True),
    Change(_WIFI_SLOT, "broken-cd"),
    Change(_CARD_SLOT, "vmmc-supply", remove=True),
    Change(_CARD_SLOT, "vqmmc-supply", remove=True),
)


class Raspberry4(Machine):
    """A Raspberry Pi 4 Model B: four cores, of whose memory QEMU shows the system 960 MiB."""

    USB_BUS = "usb-bus.0"
    KERNEL = ""
    DISK_GIBIBYTES = 8  # an SD card's size is a power of two

    def __init__(self, image: Path, *, console_log: Path | None = None, tools: BuildRoot | None = None) -> None:
        """A board with a copy of the image in its slot."""
        super().__init__(image, disk_gibibytes=self.DISK_GIBIBYTES, console_log=console_log, tools=tools)

    def stop(self, grace: float = 30) -> None:
        """Shut down by a login, for there is no power button; after `grace` seconds, pull the plug."""
        if grace > 0 and self.running:
            self.ssh("sudo systemctl poweroff", timeout=grace)
        super().stop(grace)

    def _prepare_card(self) -> None:
        super()._prepare_card()
        boot = BootPartition(self.card, self._tools)
        boot.write("cmdline.txt", f"{boot.boot_files().command_line} {NO_WATCHDOG}\n", self._folder)

    def _board(self) -> list[str]:
        tree = self._folder / DEVICE_TREE
        original = BootPartition(self.card, self._tools).read(DEVICE_TREE)
        tree.write_bytes(devicetree.apply_changes(original, CHANGES, self._tools))
        return [
            *("-machine", "raspi4b", "-dtb", str(tree)),
            *("-netdev", self._network(), "-device", "usb-net,netdev=net"),
        ]

    def _card_drive(self) -> list[str]:
        return ["-drive", f"if=sd,format=raw,file={self.card},cache=unsafe"]
