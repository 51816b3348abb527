"""Fixtures of the two machines that Molecule has booted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from image.emulated import detached

from ..client import Appliance
from .pair import NAME, Pair


@pytest.fixture(scope="session")
def pair(appliance: Appliance) -> Iterator[Pair]:
    machine = detached.attach(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / NAME)
    yield Pair(appliance, Appliance(machine))
    machine.release_monitor()
