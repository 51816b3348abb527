"""Boots the built image once on QEMU's Raspberry Pi 4, with a disk of music in its USB port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from image import music
from image.build_root import BuildRoot
from image.emulated.raspi4b import Raspberry4
from image.ui import step
from tests.audio_files import tone
from tests.built import image_file, tools
from tests.image.appliance import Appliance

__all__ = ["image_file", "tools"]

SONGS = 4


@pytest.fixture(scope="session")
def music_disk(tools: BuildRoot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk with a handful of short songs."""
    folder = tmp_path_factory.mktemp("disk")
    with step("Music disk") as current:
        for index, kind in enumerate((".ogg", ".flac", ".mp3", ".m4a")[:SONGS]):
            song = folder / "tree" / "An album" / f"{index}{kind}"
            song.parent.mkdir(parents=True, exist_ok=True)
            tone(song, 4.0, 220.0 + 40 * index, title=f"Song {index}", artist="Somebody", album="An album")
        music.make(folder / "music.img", folder / "tree", tools, current)
    return folder / "music.img"


@pytest.fixture(scope="session")
def board(image_file: Path, tools: BuildRoot, music_disk: Path) -> Iterator[Appliance]:
    """The board, booted from its SD card and healthy."""
    with Raspberry4(image_file, tools=tools) as machine:
        machine.start()
        machine.attach_disk(music_disk)
        with step("Boot of QEMU's Raspberry Pi 4") as current:
            machine.wait_for_ssh(current.report_status)
        appliance = Appliance(machine)
        with step("SoniqueBay is healthy on it"):
            appliance.healthy()
        yield appliance
