"""Boots the built image once for all tests of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra

from image import build, music, release, toolbox
from image.machine import ALIAS, Machine
from image.paths import dist
from image.ui import step

from .appliance import Appliance, until
from .card import Card
from .disk import MusicDisk, make


@pytest.fixture(scope="session")
def image_file() -> Path:
    """The flashable image; built already by `make image`."""
    version = release.version_of(release.APP)
    path = dist() / build.image_name(version, "debian")
    assert path.exists(), f"{path} is not there: run `make image`"
    return path


@pytest.fixture(scope="session")
def card(image_file: Path) -> Card:
    """The image as a file."""
    return Card(image_file, toolbox.ensure())


@pytest.fixture(scope="session")
def music_disk(tmp_path_factory: pytest.TempPathFactory) -> MusicDisk:
    """A disk with real music and with what goes wrong on real disks."""
    tools = toolbox.ensure()
    with step("Music of the tests") as current:
        folder = music.debian_music(tools, current)
        return make(tmp_path_factory.mktemp("disk"), folder, tools, current)


@pytest.fixture(scope="session")
def appliance(image_file: Path) -> Iterator[Appliance]:
    """The machine, booted and healthy."""
    with Machine(image_file) as machine:
        machine.start()
        machine.wait_for_ssh(600)
        appliance = Appliance(machine)
        appliance.healthy(600)
        until("Flower asks for its password", 300, lambda: appliance.flower("/").status == 401)
        yield appliance


@pytest.fixture(scope="session")
def host(appliance: Appliance) -> Any:
    """The same machine for testinfra."""
    return testinfra.get_host(f"ssh://{ALIAS}", ssh_config=str(appliance.machine.ssh_config), sudo=True)
