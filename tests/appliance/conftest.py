"""The machine that Molecule has booted for a scenario. `host` is testinfra's own, told by the verifier's options."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from image import music
from image.build_root import BuildRoot
from image.emulated import detached
from image.paths import ROOT
from image.ui import step
from tests.built import card, image_file, tools

from .client import Appliance, until
from .disk import MusicDisk, make

__all__ = ["card", "image_file", "tools"]

FAILED = ROOT / "build" / "failed.txt"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what failed for `make` to say last: the end of the machine, which Molecule tells at length, buries it."""
    if report.failed:
        FAILED.parent.mkdir(exist_ok=True)
        with FAILED.open("a") as notes:
            notes.write(f"{report.nodeid} ({report.when})\n{report.longreprtext}\n\n")


@pytest.fixture(scope="session", autouse=True)
def appliance() -> Iterator[Appliance]:
    """The machine, healthy."""
    state = os.environ.get("MOLECULE_EPHEMERAL_DIRECTORY")
    assert state, "these tests are Molecule's: molecule test -s image (or create, verify, login, destroy)"
    machine = detached.attach(Path(state))
    appliance = Appliance(machine)
    appliance.healthy()
    until("Flower asks for its password", lambda: appliance.flower("/").status == 401)
    yield appliance
    machine.release_monitor()


@pytest.fixture(scope="session")
def music_disk(tools: BuildRoot, tmp_path_factory: pytest.TempPathFactory) -> MusicDisk:
    """A disk with real music and with what goes wrong on real disks."""
    with step("Music of the tests") as current:
        folder = music.debian_music(tools, current)
        return make(tmp_path_factory.mktemp("disk"), folder, tools, current)
