"""QEMU's Raspberry Pi 4 with the card in its SD slot and the image's own device tree."""

from __future__ import annotations

from pathlib import Path

from .. import devicetree
from ..build_root import BuildRoot
from ..devicetree import Change
from .boot_partition import BootPartition
from .machine import Machine

DEVICE_TREE = "bcm2711-rpi-4-b.dtb"

# Nodes of Linux's device tree that QEMU 10 does not emulate. They are disabled so that the kernel does not probe them.
UNSUPPORTED_NODES = (
    "/gpu",
    "/scb/gpu@7ec00000",
    "/soc/avs-monitor@7d5d2000",
    "/soc/clock@7ef00000",
    "/soc/hdmi@7ef00700",
    "/soc/hdmi@7ef05700",
    "/soc/hvs@7e400000",
    "/soc/i2c@7ef04500",
    "/soc/i2c@7ef09500",
    "/soc/interrupt-controller@7ef00100",  # the kernel panics when it reads it
)
# Once QEMU's second UART has data to send, its interrupt stays raised and occupies a processor.
_SECOND_UART = "/soc/serial@7e215040"
# QEMU's watchdog resets the board as soon as systemd starts it.
NO_WATCHDOG = "systemd.watchdog_sec=off"
_WIFI_CONTROLLER = "/soc/mmc@7e300000"  # QEMU attaches the card to this one
_CARD_CONTROLLER = "/emmc2bus/mmc@7e340000"
DEVICE_TREE_CHANGES = (
    # as the Pi's firmware does: with a seed the kernel randomises its address and isolates its page tables
    Change("/chosen", "kaslr-seed", "7 bytes"),
    # the only USB controller: the board's USB ports are behind PCIe, which QEMU does not emulate
    Change("/soc/usb@7e980000", "dr_mode", "host"),
    *(Change(node, "status", "disabled") for node in (*UNSUPPORTED_NODES, _SECOND_UART)),
    Change(_WIFI_CONTROLLER, "mmc-pwrseq", remove=True),
    Change(_WIFI_CONTROLLER, "non-removable", remove=True),
    Change(_WIFI_CONTROLLER, "broken-cd"),
    Change(_CARD_CONTROLLER, "vmmc-supply", remove=True),
    Change(_CARD_CONTROLLER, "vqmmc-supply", remove=True),
)


class RaspberryPi4(Machine):
    """A Raspberry Pi 4 Model B with four cores; the system sees 960 MiB of memory."""

    USB_BUS = "usb-bus.0"
    KERNEL_OPTIONS = ""
    DISK_GIBIBYTES = 8  # an SD card's size is a power of two

    def __init__(self, image: Path, *, console_log: Path | None = None, tools: BuildRoot | None = None) -> None:
        """Set the board up with the image for its SD slot."""
        super().__init__(image, disk_gibibytes=self.DISK_GIBIBYTES, console_log=console_log, tools=tools)

    def stop(self, grace_seconds: float = 30) -> None:
        """Shut down by SSH, as the board has no power button; cut the power after `grace_seconds`."""
        if grace_seconds > 0 and self.running:
            self.ssh("sudo systemctl poweroff", timeout_seconds=grace_seconds)
        super().stop(grace_seconds)

    def _prepare_card(self) -> None:
        super()._prepare_card()
        boot = BootPartition(self.card, self._tools)
        boot.write("cmdline.txt", f"{boot.boot_files().command_line} {NO_WATCHDOG}\n", self._folder)

    def _board(self) -> list[str]:
        tree = self._folder / DEVICE_TREE
        original = BootPartition(self.card, self._tools).read(DEVICE_TREE)
        tree.write_bytes(devicetree.apply_changes(original, DEVICE_TREE_CHANGES, self._tools))
        return [
            *("-machine", "raspi4b", "-dtb", str(tree)),
            *("-netdev", self._network(), "-device", "usb-net,netdev=net"),
        ]

    def _card_drive(self) -> list[str]:
        return ["-drive", f"if=sd,format=raw,file={self.card},cache=unsafe"]
