"""The built image as a file, and copies of it that a test may damage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from image.build_root import BuildRoot
from image.card import copy_sparse
from tests.support.built import image_file, tools

from .damage import DamagedImage

__all__ = ["image_file", "tools"]


@pytest.fixture(scope="session")
def copy_image(image_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes a copy of the image, always in the same place."""
    copy = tmp_path_factory.mktemp("damaged") / "card.img"

    def make() -> Path:
        copy_sparse(image_file, copy)
        return copy

    return make


@pytest.fixture
def damaged(copy_image: Callable[[], Path], tools: BuildRoot, tmp_path: Path) -> Iterator[DamagedImage]:
    """A copy of the image, with the methods that damage it."""
    copy = copy_image()
    yield DamagedImage(copy, tools, tmp_path)
    copy.unlink()
