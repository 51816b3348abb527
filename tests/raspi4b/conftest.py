"""A boot of the built image on QEMU's Raspberry Pi 4 with a music disk in its USB port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from image import music, ui
from image.build_root import BuildRoot
from image.emulated.raspi4b import RaspberryPi4
from tests.appliance.client import Appliance
from tests.support.audio_files import tone
from tests.support.built import image_file, tools

__all__ = ["image_file", "tools"]

SUFFIXES = (".ogg", ".flac", ".mp3", ".m4a")


@pytest.fixture(scope="session")
def music_disk(tools: BuildRoot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a disk with one short song of each format."""
    folder = tmp_path_factory.mktemp("disk")
    with ui.step("Music disk") as step:
        for index, suffix in enumerate(SUFFIXES):
            song = folder / "tree" / "An album" / f"{index}{suffix}"
            song.parent.mkdir(parents=True, exist_ok=True)
            tone(song, 4.0, 220.0 + 40 * index, title=f"Song {index}", artist="Somebody", album="An album")
        music.make(folder / "music.img", folder / "tree", tools, step)
    return folder / "music.img"


@pytest.fixture(scope="session")
def board(image_file: Path, tools: BuildRoot, music_disk: Path) -> Iterator[Appliance]:
    """Boot the board from its SD card and wait until it is healthy."""
    with RaspberryPi4(image_file, tools=tools) as machine:
        machine.start()
        machine.attach_disk(music_disk)
        with ui.step("Boot of QEMU's Raspberry Pi 4") as step:
            machine.wait_for_ssh(step.report_status)
        appliance = Appliance(machine)
        with ui.step("SoniqueBay is healthy on it"):
            appliance.healthy()
        yield appliance
