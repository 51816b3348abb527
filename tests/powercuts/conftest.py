"""The built image, and the tools that judge a card from outside."""

from __future__ import annotations

import pytest

from image import toolbox
from image.toolbox import Toolbox
from tests.image.conftest import image_file

__all__ = ["image_file"]


@pytest.fixture(scope="session")
def tools() -> Toolbox:
    """The toolbox."""
    return toolbox.ensure()
