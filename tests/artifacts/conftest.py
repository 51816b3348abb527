"""The built image as a file, and copies of it that a test may damage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from image import build, release, toolbox
from image.card import copy_sparse
from image.paths import dist
from image.toolbox import Toolbox

from .damage import Damaged

PROFILE = os.environ.get("PROFILE", "debian")


@pytest.fixture(scope="session")
def tools() -> Toolbox:
    return toolbox.ensure()


@pytest.fixture(scope="session")
def image_file() -> Path:
    """The flashable image; built already by `make image`."""
    path = dist() / build.image_name(release.version_of(release.APP), PROFILE)
    assert path.exists(), f"{path} is not there: run `make image PROFILE={PROFILE}`"
    return path


@pytest.fixture(scope="session")
def fresh(image_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes a copy of the image, always in the same place."""
    copy = tmp_path_factory.mktemp("damaged") / "card.img"

    def make() -> Path:
        copy_sparse(image_file, copy)
        return copy

    return make


@pytest.fixture
def damaged(fresh: Callable[[], Path], tools: Toolbox, tmp_path: Path) -> Iterator[Damaged]:
    """A copy of the image with what damages it."""
    copy = fresh()
    yield Damaged(copy, tools, tmp_path)
    copy.unlink()
