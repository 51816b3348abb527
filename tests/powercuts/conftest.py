"""The built image, and the tools that judge a card from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from image import build, release, toolbox
from image.paths import dist
from image.toolbox import Toolbox


@pytest.fixture(scope="session")
def image_file() -> Path:
    """The flashable image; built already by `make image`."""
    path = dist() / build.image_name(release.version_of(release.APP), "debian")
    assert path.exists(), f"{path} is not there: run `make image`"
    return path


@pytest.fixture(scope="session")
def tools() -> Toolbox:
    """The toolbox."""
    return toolbox.ensure()
