"""Rules for those parts of the root file system that only a real board needs."""

from __future__ import annotations

from collections.abc import Iterable

from .card import Card
from .rule import Rule

# For the Wi-Fi chip of a Pi 4: firmware, regulatory limits and the board's own settings.
WIRELESS_FILES = (
    "/usr/lib/firmware/brcm/brcmfmac43455-sdio.bin",
    "/usr/lib/firmware/brcm/brcmfmac43455-sdio.clm_blob",
    "/usr/lib/firmware/brcm/brcmfmac43455-sdio.raspberrypi,4-model-b.txt",
    "/usr/lib/firmware/regulatory.db",
)


def check_wireless_files(card: Card) -> Iterable[str]:
    """Require the files of the Wi-Fi chip, links followed."""
    for path in WIRELESS_FILES:
        if not card.file_size(path):
            yield f"{path} is missing: no Wi-Fi on a Pi 4."


def check_fstab(card: Card) -> Iterable[str]:
    """Require an fstab that names the partitions of this card."""
    lines = [line.split() for line in card.read_text("/etc/fstab").splitlines() if line and line[0] != "#"]
    devices = {line[1]: line[0] for line in lines if len(line) > 3}
    expected = {
        "/": {f"LABEL={card.ext4.label}", f"UUID={card.ext4.uuid}", f"PARTUUID={card.signature:08x}-02"},
        "/boot/firmware": {f"LABEL={card.fat.label}", f"PARTUUID={card.signature:08x}-01"},
    }
    for place, names in expected.items():
        device = devices.get(place, "nothing")
        if device not in names:
            yield f"fstab mounts {device} at {place}; it should be {' or '.join(sorted(names))}."


RULES: tuple[Rule, ...] = (check_wireless_files, check_fstab)
