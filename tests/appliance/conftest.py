"""Fixtures of the machine that Molecule has booted. testinfra gives `host`, from the options of Molecule's verifier."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from image import music, ui
from image.build_root import BuildRoot
from image.emulated import detached
from image.paths import ROOT
from tests.support.built import card, image_file, tools

from .client import Appliance, wait_for
from .disk import MusicDisk, make_disk

__all__ = ["card", "image_file", "tools"]

FAILURES = ROOT / "build" / "failed.txt"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write failures to a file for `make` to print last: Molecule's long output of the destroy step follows them."""
    if report.failed:
        FAILURES.parent.mkdir(exist_ok=True)
        with FAILURES.open("a") as file:
            file.write(f"{report.nodeid} ({report.when})\n{report.longreprtext}\n\n")


@pytest.fixture(scope="session", autouse=True)
def appliance() -> Iterator[Appliance]:
    """Return the machine of the scenario once it is healthy."""
    state = os.environ.get("MOLECULE_EPHEMERAL_DIRECTORY")
    assert state, "Molecule runs these tests: molecule test -s image (or create, verify, login, destroy)"
    machine = detached.attach(Path(state))
    appliance = Appliance(machine)
    appliance.healthy()
    wait_for("Flower asks for a login", lambda: appliance.flower("/").status == 401)
    yield appliance
    machine.release_monitor()


@pytest.fixture(scope="session")
def music_disk(tools: BuildRoot, tmp_path_factory: pytest.TempPathFactory) -> MusicDisk:
    """Make a disk with real music and with the faults of real disks."""
    with ui.step("Music of the tests") as step:
        folder = music.debian_music(tools, step)
        return make_disk(tmp_path_factory.mktemp("disk"), folder, tools, step)
