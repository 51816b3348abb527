"""The boot partition of an image, read and written as a Pi's firmware or a person with a card reader would."""

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
    """What the firmware would load."""

    kernel: str
    initramfs: str
    command_line: str


@dataclass(frozen=True)
class BootPartition:
    """The FAT file system at the start of an image."""

    image: Path
    tools: BuildRoot

    @property
    def _place(self) -> str:
        return f"{self.image}@@{partitions.read(self.image)[0].start}"

    def _run(self, tool: str, *arguments: str) -> bytes:
        command = self.tools.native(tool, "-i", self._place, *arguments)
        done = subprocess.run(command, env=self.tools.environment(), capture_output=True, check=False)
        if done.returncode:
            raise ActionableError(f"{tool} on {self.image}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return self._run("mtype", f"::/{name}")

    def extract(self, name: str, target: Path) -> Path:
        """A file, copied out."""
        self._run("mcopy", "-n", f"::/{name}", str(target))
        return target

    def write(self, name: str, content: str, scratch: Path) -> None:
        """A file, copied in over one of the same name."""
        file = scratch / name
        file.write_text(content)
        self._run("mcopy", "-o", str(file), f"::/{name}")

    def boot_files(self) -> BootFiles:
        """What config.txt and cmdline.txt say."""
        config = parse_config(self.read("config.txt").decode())
        if not config.initramfs:
            raise ActionableError(f"config.txt in {self.image} names no initramfs.")
        return BootFiles(config.kernel, config.initramfs, " ".join(self.read("cmdline.txt").decode().split()))
