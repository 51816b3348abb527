"""The image file itself, read without booting it: what every card flashed from it would share."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

SECTOR = 512
LINUX = 0x83


class Card:
    """A card image; files of its root filesystem are read by debugfs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            table = file.read(SECTOR)[446:510]
        entries = [struct.unpack("<B3xB3xII", table[i : i + 16]) for i in range(0, 64, 16)]
        starts = [start for _, kind, start, _ in entries if kind == LINUX]
        assert len(starts) == 1, "one Linux partition, the root"
        self._root = f"{path}?offset={starts[0] * SECTOR}"

    def listing(self, folder: str) -> list[str]:
        """Names in a folder; empty when there is none."""
        lines = self._debugfs(f"ls -p {folder}").splitlines()
        names = [line.split("/")[5] for line in lines if line.count("/") > 5]
        return [name for name in names if name not in (".", "..", "")]

    def read(self, file: str) -> str:
        """A file's text."""
        return self._debugfs(f"cat {file}")

    def _debugfs(self, request: str) -> str:
        environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "DEBUGFS_PAGER": "cat"}
        command = ["debugfs", "-R", request, self._root]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
