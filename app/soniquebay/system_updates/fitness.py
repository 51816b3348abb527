"""Whether Debian's packages may be changed now: the machine is idle, and has the room and the power."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from soniquebay.procfs import MIB
from soniquebay.releases import preflight, programs
from soniquebay.releases.journal import Journal

# A kernel with its modules is the largest update: 25 MB to download, 130 MB unpacked beside the old one.
MIN_FREE_ROOT_BYTES = 500 * MIB
MIN_FREE_INODES = 10_000  # a kernel has 4,500 files
# A kernel and its initramfs beside those that are there, or an initramfs twice.
MIN_FREE_BOOT_BYTES = 100 * MIB


@dataclass(frozen=True)
class Place:
    """A file system that packages write to."""

    path: Path
    min_free_bytes: int
    min_free_inodes: int = 0


PLACES = (
    Place(Path("/"), MIN_FREE_ROOT_BYTES, MIN_FREE_INODES),
    Place(Path("/boot/firmware"), MIN_FREE_BOOT_BYTES),
)


def check_fitness(places: Sequence[Place] = PLACES) -> None:
    """Raise ``click.ClickException`` with what to do when the room or the power would not do."""
    preflight.check_power()
    for place in places:
        if not place.path.is_dir():  # a machine without a boot partition of its own
            continue
        space = os.statvfs(place.path)
        if space.f_flag & os.ST_RDONLY:
            raise click.ClickException(
                f"nothing can be written at {place.path}: restart the machine, or replace the card"
            )
        free = space.f_bavail * space.f_frsize
        if free < place.min_free_bytes:
            raise click.ClickException(
                f"updates need {place.min_free_bytes // MIB} MB at {place.path}, and {free // MIB} MB are free: "
                "make room there (sudo apt autoremove; sudo apt clean)"
            )
        if place.min_free_inodes and space.f_files and space.f_favail < place.min_free_inodes:
            raise click.ClickException(f"the disk of {place.path} has too few free inodes: remove files there")


def why_busy(control_socket: Path, releases: Path) -> str:
    """Return why the machine should not be disturbed now; empty when nothing speaks against it.

    A machine whose API does not answer is not in use. `releases`: the folder of SoniqueBay's releases.
    """
    upgrade = Journal(releases).open_upgrade()
    if upgrade is not None:
        return f"the upgrade of SoniqueBay to {upgrade.new} has not come to its end"
    activity = programs.ask(control_socket, "/api/activity")
    if activity.get("scan_runs"):
        return "a scan runs"
    if activity.get("somebody_listens"):
        return "somebody listens"
    return ""
