"""Fixtures of every suite that uses the built image; a suite's conftest imports those that it needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from image import build, build_root, release
from image.bootcheck.card import Card
from image.build_root import BuildRoot
from image.paths import dist

PROFILE = os.environ.get("PROFILE", "debian")


@pytest.fixture(scope="session")
def tools() -> BuildRoot:
    """The build root."""
    return build_root.ensure()


@pytest.fixture(scope="session")
def image_file() -> Path:
    """The flashable image; built already by `make image`."""
    path: Path = dist() / build.image_name(release.version_of(release.APP), PROFILE)
    assert path.exists(), f"{path} is not there: run `make image PROFILE={PROFILE}`"
    return path


@pytest.fixture(scope="session")
def card(image_file: Path, tools: BuildRoot) -> Card:
    """The image as a file, read without booting it."""
    return Card(image_file, tools)
