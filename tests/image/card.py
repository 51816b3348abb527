"""The image file itself, read without booting it: what every card flashed from it would share."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from image import partitions
from image.toolbox import Toolbox


class Card:
    """A card image; files of its root filesystem are read by debugfs."""

    def __init__(self, path: Path, tools: Toolbox) -> None:
        self.path = path
        self._tools = tools
        root = partitions.read(path)[1]
        self._root = f"{path}?offset={root.start}"

    def listing(self, folder: str) -> list[str]:
        """Names in a folder; empty when there is none."""
        lines = self._debugfs(f"ls -p {folder}").splitlines()
        names = [line.split("/")[5] for line in lines if line.count("/") > 5]
        return [name for name in names if name not in (".", "..", "")]

    def read(self, file: str) -> str:
        """A file's text."""
        return self._debugfs(f"cat {file}")

    def modified(self, file: str) -> int:
        """When a file was last written, in seconds since 1970."""
        found = re.search(r"^ *mtime: 0x([0-9a-f]+)", self._debugfs(f"stat {file}"), re.MULTILINE)
        assert found, f"no {file} in {self.path}"
        return int(found[1], 16)

    def _debugfs(self, request: str) -> str:
        command = self._tools.native("debugfs", "-R", request, self._root)
        environment = {**self._tools.environment(), "DEBUGFS_PAGER": "cat"}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
