"""A machine that boots a card with the customisation of Raspberry Pi Imager."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from image import build_root
from image.emulated.boot_partition import BootPartition
from image.emulated.machine import MACHINE_TIMEOUT_SECONDS, Machine
from tests.support.built import image_file

from .imager import Customisation

__all__ = ["image_file"]

PASSWORD = "noten"  # noqa: S105
# `openssl passwd -5` of it
PASSWORD_HASH = "$5$klavier$O/xPqcY5RmMj/9rr.CS2FEzN7yfm27wB5adk48gF6W5"  # noqa: S105
CUSTOMISATION = Customisation(
    hostname="plattenschrank",
    user="clara",
    password_hash=PASSWORD_HASH,
    timezone="Europe/Berlin",
    keyboard="de",
    locale="de_DE.UTF-8",
    network="Café Mitte",
    passphrase="lange nicht gehört",  # noqa: S106
    country="DE",
    instance="rpi-imager-1764000000000",
    watch="poll",
)


def customise(machine: Machine, customisation: Customisation) -> None:
    """Replace the emulator's cloud-init files by those of Imager on the card of a machine that is off."""
    machine.access.user = customisation.user
    folder = machine.card.parent
    boot, original = (BootPartition(card, build_root.ensure()) for card in (machine.card, machine.image))
    files = {
        "user-data": customisation.user_data((folder / "key.pub").read_text()),
        "network-config": customisation.network_config(),
        "meta-data": customisation.meta_data(),
        "cmdline.txt": customisation.command_line(original.read("cmdline.txt").decode()),
    }
    for name, content in files.items():
        boot.write(name, content, folder)


@pytest.fixture(scope="session")
def machine(image_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Boot the machine and wait for the end of cloud-init."""
    with Machine(image_file, console_log=tmp_path_factory.mktemp("console") / "log") as machine:
        customise(machine, CUSTOMISATION)
        machine.start()
        machine.wait_for_ssh()
        machine.ssh("cloud-init status --wait", timeout_seconds=MACHINE_TIMEOUT_SECONDS)
        yield machine


@pytest.fixture
def run(machine: Machine) -> Any:
    """Return a function that runs a command as the new user and returns its output; a failing command raises."""

    def run_command(command: str) -> str:
        return machine.ssh(command, check=True, timeout_seconds=MACHINE_TIMEOUT_SECONDS).stdout.strip()

    return run_command
