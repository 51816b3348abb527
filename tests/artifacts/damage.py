"""Damage as it happens to cards and to builds: files lost, cut off, mixed up or mistyped, in a copy of a real image."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from image.bootcheck.card import Card
from image.build_root import BuildRoot


class DamagedImage:
    """A copy of an image to be damaged."""

    def __init__(self, image: Path, tools: BuildRoot, scratch: Path) -> None:
        self.image = image
        self.tools = tools
        self._scratch = scratch
        self.original = Card(image, tools)
        """What was read of the card before it was damaged: names, contents and places."""

    def remove(self, name: str) -> None:
        """Delete a file of the boot partition."""
        self._run_mtools("mdel", f"::/{name}")

    def put(self, name: str, content: bytes) -> None:
        """Write a file of the boot partition."""
        file = self._scratch / "content"
        file.write_bytes(content)
        self._run_mtools("mcopy", "-o", str(file), f"::/{name}")

    def edit(self, name: str, change: Callable[[bytes], bytes]) -> None:
        """Change a file of the boot partition."""
        content = self.original.boot_files[name.lower()]
        changed = change(content)
        assert changed != content
        self.put(name, changed)

    def add_settings(self, *lines: str) -> None:
        """Append lines to config.txt."""
        self.edit("config.txt", lambda text: text + "".join(f"{line}\n" for line in ("[all]", *lines)).encode())

    def remove_text(self, pattern: str, name: str = "config.txt") -> None:
        """Remove what matches a pattern from a file of the boot partition."""
        self.edit(name, lambda text: re.sub(pattern.encode(), b"", text, flags=re.MULTILINE))

    def cut(self, name: str, share: float = 0.9) -> None:
        """Cut a file of the boot partition off behind a share of it."""
        self.edit(name, lambda content: content[: int(len(content) * share)])

    def write(self, offset: int, content: bytes, partition: int | None = None) -> None:
        """Overwrite bytes of the image, or of a partition."""
        start = 0 if partition is None else self.original.partitions[partition].start
        with self.image.open("r+b") as file:
            file.seek(start + offset)
            file.write(content)

    def truncate(self, size: int) -> None:
        """Cut the image off."""
        os.truncate(self.image, size)

    def unlink(self, path: str) -> None:
        """Delete a file or folder of the root file system."""
        self._run_debugfs(f'unlink "{path}"')

    def replace(self, path: str, content: str) -> None:
        """Write a file of the root file system."""
        file = self._scratch / "content"
        file.write_text(content)
        self._run_debugfs(f"rm {path}")
        self._run_debugfs(f"write {file} {path}")

    def _run_mtools(self, tool: str, *arguments: str) -> None:
        command = self.tools.native(tool, "-i", f"{self.image}@@{self.original.partitions[0].start}", *arguments)
        subprocess.run(command, env=self.tools.environment(), check=True, capture_output=True)

    def _run_debugfs(self, request: str) -> None:
        place = f"{self.image}?offset={self.original.partitions[1].start}"
        command = self.tools.native("debugfs", "-w", "-R", request, place)
        subprocess.run(command, env=self.tools.environment(), check=True, capture_output=True)
