"""Rules of the root file system that only a real board would miss."""

from __future__ import annotations

from collections.abc import Iterable

from .card import Card
from .rule import Rule

# The Wi-Fi chip of a Pi 4: its program, what it may do in which country, and the board's own settings.
WIRELESS = (
    "/usr/lib/firmware/brcm/brcmfmac43455-sdio.bin",
    "/usr/lib/firmware/brcm/brcmfmac43455-sdio.clm_blob",
    "/usr/lib/firmware/brcm/brcmfmac43455-sdio.raspberrypi,4-model-b.txt",
    "/usr/lib/firmware/regulatory.db",
)


def wireless(card: Card) -> Iterable[str]:
    """The firmware of the Wi-Fi chip, behind whatever links."""
    for path in WIRELESS:
        if not card.size(path):
            yield f"{path} is not there: no Wi-Fi on a Pi 4."


def mounts(card: Card) -> Iterable[str]:
    """An fstab that speaks of these very partitions."""
    lines = [line.split() for line in card.text("/etc/fstab").splitlines() if line and line[0] != "#"]
    named = {line[1]: line[0] for line in lines if len(line) > 3}
    right = {
        "/": {f"LABEL={card.ext4.label}", f"UUID={card.ext4.uuid}", f"PARTUUID={card.signature:08x}-02"},
        "/boot/firmware": {f"LABEL={card.fat.label}", f"PARTUUID={card.signature:08x}-01"},
    }
    for place, names in right.items():
        if named.get(place) not in names:
            yield f"fstab mounts {named.get(place, 'nothing')} at {place}; it should be {' or '.join(sorted(names))}."


RULES: tuple[Rule, ...] = (wireless, mounts)
