"""A machine that boots a card which was customised by Raspberry Pi Imager."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from image import build, release, toolbox
from image.bootpart import BootPartition
from image.machine import Machine
from image.paths import dist

from .imager import Wishes

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
)


class Customised(Machine):
    """A machine whose card carries Imager's files instead of the emulator's."""

    def _prepare_card(self) -> None:
        super()._prepare_card()
        self.access.user = WISHES.user
        boot = BootPartition(self.card, toolbox.ensure())
        files = {
            "user-data": WISHES.user_data((self._folder / "key.pub").read_text()),
            "network-config": WISHES.network_config(),
            "meta-data": WISHES.meta_data(),
            "cmdline.txt": WISHES.command_line(boot.read("cmdline.txt").decode()),
        }
        for name, content in files.items():
            boot.write(name, content, self._folder)


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Booted, and cloud-init done."""
    image: Path = dist() / build.image_name(release.version_of(release.APP), "debian")
    assert image.exists(), f"{image} is not there: run `make image`"
    with Customised(image, console_log=tmp_path_factory.mktemp("console") / "log") as machine:
        machine.start()
        machine.wait_for_ssh(600)
        machine.ssh("cloud-init status --wait", timeout=600)
        yield machine


@pytest.fixture
def ask(machine: Machine) -> Any:
    """What a command says, as the new user; it must succeed."""

    def run(command: str) -> str:
        return machine.ssh(command, check=True, timeout=300).stdout.strip()

    return run
