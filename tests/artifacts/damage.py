"""What happens to cards and to builds: files lost, cut off, mixed up or mistyped, in a copy of a real image."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from image.bootcheck.card import Card
from image.build_root import BuildRoot


class Damaged:
    """A copy of an image to be damaged."""

    def __init__(self, image: Path, tools: BuildRoot, scratch: Path) -> None:
        self.image = image
        self.tools = tools
        self._scratch = scratch
        self._whole = Card(image, tools)  # as it was: for names and places

    @property
    def card(self) -> Card:
        """The card as it was before."""
        return self._whole

    def remove(self, name: str) -> None:
        """A file of the boot partition is lost."""
        self._mtools("mdel", f"::/{name}")

    def put(self, name: str, content: bytes) -> None:
        """A file of the boot partition is another."""
        file = self._scratch / "content"
        file.write_bytes(content)
        self._mtools("mcopy", "-o", str(file), f"::/{name}")

    def edit(self, name: str, change: Callable[[bytes], bytes]) -> None:
        """A file of the boot partition is changed."""
        content = self.card.files[name.lower()]
        changed = change(content)
        assert changed != content
        self.put(name, changed)

    def config(self, *lines: str) -> None:
        """Lines come to the end of config.txt."""
        self.edit("config.txt", lambda text: text + "".join(f"{line}\n" for line in ("[all]", *lines)).encode())

    def without(self, pattern: str, name: str = "config.txt") -> None:
        """What a pattern matches is gone from a file."""
        self.edit(name, lambda text: re.sub(pattern.encode(), b"", text, flags=re.MULTILINE))

    def cut(self, name: str, left: float = 0.9) -> None:
        """A file of the boot partition ends too early."""
        self.edit(name, lambda content: content[: int(len(content) * left)])

    def write(self, at: int, content: bytes, partition: int | None = None) -> None:
        """Bytes of the image, or of a partition, are others."""
        start = 0 if partition is None else self.card.partitions[partition].start
        with self.image.open("r+b") as file:
            file.seek(start + at)
            file.write(content)

    def truncate(self, size: int) -> None:
        """The image ends too early."""
        os.truncate(self.image, size)

    def unlink(self, path: str) -> None:
        """A file or folder of the root file system is lost."""
        self._debugfs(f'unlink "{path}"')

    def replace(self, path: str, content: str) -> None:
        """A file of the root file system is another."""
        file = self._scratch / "content"
        file.write_text(content)
        self._debugfs(f"rm {path}")
        self._debugfs(f"write {file} {path}")

    def _mtools(self, tool: str, *arguments: str) -> None:
        command = self.tools.native(tool, "-i", f"{self.image}@@{self.card.partitions[0].start}", *arguments)
        subprocess.run(command, env=self.tools.environment(), check=True, capture_output=True)

    def _debugfs(self, request: str) -> None:
        place = f"{self.image}?offset={self.card.partitions[1].start}"
        command = self.tools.native("debugfs", "-w", "-R", request, place)
        subprocess.run(command, env=self.tools.environment(), check=True, capture_output=True)
