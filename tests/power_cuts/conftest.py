"""The built image, and the tools that judge a card from outside."""

from tests.built import image_file, tools

__all__ = ["image_file", "tools"]
