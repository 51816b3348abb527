"""Reads and writes files on the boot partition of an image."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from .. import partitions
from ..bootcheck.config import parse_config
from ..build_root import BuildRoot
from ..errors import ActionableError


@dataclass(frozen=True)
class BootFiles:
    """The files and the command line with which the firmware starts Linux."""

    kernel: str
    initramfs: str
    command_line: str


@dataclass(frozen=True)
class BootPartition:
    """The FAT file system at the start of an image."""

    image: Path
    tools: BuildRoot

    @property
    def _mtools_image(self) -> str:
        # mtools finds a partition by its offset in the file: image@@offset
        return f"{self.image}@@{partitions.read(self.image)[0].start}"

    def _run(self, tool: str, *arguments: str) -> bytes:
        command = self.tools.native(tool, "-i", self._mtools_image, *arguments)
        result = subprocess.run(command, env=self.tools.environment(), capture_output=True, check=False)
        if result.returncode:
            raise ActionableError(f"{tool} on {self.image}: {result.stderr.decode(errors='replace').strip()}")
        return result.stdout

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return self._run("mtype", f"::/{name}")

    def extract(self, name: str, target: Path) -> Path:
        """Copy a file to `target` and return that path."""
        self._run("mcopy", "-n", f"::/{name}", str(target))
        return target

    def write(self, name: str, content: str, scratch: Path) -> None:
        """Write a file, over an older one of the same name; `scratch` is a folder for a temporary copy."""
        file = scratch / name
        file.write_text(content)
        self._run("mcopy", "-o", str(file), f"::/{name}")

    def boot_files(self) -> BootFiles:
        """Return what config.txt and cmdline.txt name.

        Raises `ActionableError` when config.txt names no initramfs.
        """
        config = parse_config(self.read("config.txt").decode())
        if not config.initramfs:
            raise ActionableError(f"config.txt in {self.image} names no initramfs.")
        return BootFiles(config.kernel, config.initramfs, " ".join(self.read("cmdline.txt").decode().split()))
