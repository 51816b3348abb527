"""Fixtures: the built image, and the tools that check a card."""

from tests.support.built import image_file, tools

__all__ = ["image_file", "tools"]
