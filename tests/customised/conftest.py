"""A machine that boots a card which was customised by Raspberry Pi Imager."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from image import build_root
from image.emulated.boot_partition import BootPartition
from image.emulated.machine import MACHINE_TIMEOUT_SECONDS, Machine
from tests.built import image_file

from .imager import Wishes

__all__ = ["image_file"]

# of the word "noten", as openssl passwd -5 makes it
HASH = "$5$klavier$O/xPqcY5RmMj/9rr.CS2FEzN7yfm27wB5adk48gF6W5"
WISHES = Wishes(
    hostname="plattenschrank",
    user="clara",
    password_hash=HASH,
    timezone="Europe/Berlin",
    keyboard="de",
    locale="de_DE.UTF-8",
    network="Café Mitte",
    passphrase="lange nicht gehört",  # noqa: S106
    country="DE",
    instance="rpi-imager-1764000000000",
    watch="poll",
)


def customise(machine: Machine, wishes: Wishes) -> None:
    """Write Imager's files instead of the emulator's to a card that is not running."""
    machine.access.user = wishes.user
    folder = machine.card.parent
    boot, as_built = (BootPartition(card, build_root.ensure()) for card in (machine.card, machine.image))
    files = {
        "user-data": wishes.user_data((folder / "key.pub").read_text()),
        "network-config": wishes.network_config(),
        "meta-data": wishes.meta_data(),
        "cmdline.txt": wishes.command_line(as_built.read("cmdline.txt").decode()),
    }
    for name, content in files.items():
        boot.write(name, content, folder)


@pytest.fixture(scope="session")
def machine(image_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Booted, and cloud-init done."""
    with Machine(image_file, console_log=tmp_path_factory.mktemp("console") / "log") as machine:
        customise(machine, WISHES)
        machine.start()
        machine.wait_for_ssh()
        machine.ssh("cloud-init status --wait", timeout=MACHINE_TIMEOUT_SECONDS)
        yield machine


@pytest.fixture
def ask(machine: Machine) -> Any:
    """What a command says, as the new user; it must succeed."""

    def run(command: str) -> str:
        return machine.ssh(command, check=True, timeout=MACHINE_TIMEOUT_SECONDS).stdout.strip()

    return run
