"""The boot partition of an image, read and written as a Pi's firmware or a person with a card reader would."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import partitions
from .errors import Problem
from .toolbox import Toolbox


@dataclass(frozen=True)
class BootFiles:
    """What the firmware would load."""

    kernel: str
    initramfs: str
    command_line: str


def parse_config(text: str) -> tuple[str, str]:
    """Names of kernel and initramfs in config.txt, from the sections that hold for every model."""
    kernel, initramfs, section = "", "", "all"
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].strip()
        if line.startswith("["):
            section = line.strip("[]").lower()
        elif section in ("all", "pi4") and line.startswith("kernel="):
            kernel = line.split("=", 1)[1].strip()
        elif section in ("all", "pi4") and line.startswith("initramfs "):
            initramfs = line.split()[1]
    return kernel, initramfs


@dataclass(frozen=True)
class BootPartition:
    """The FAT file system at the start of an image."""

    image: Path
    tools: Toolbox

    @property
    def _place(self) -> str:
        return f"{self.image}@@{partitions.read(self.image)[0].start}"

    def _run(self, tool: str, *arguments: str) -> bytes:
        command = self.tools.native(tool, "-i", self._place, *arguments)
        done = subprocess.run(command, env=self.tools.environment(), capture_output=True, check=False)
        if done.returncode:
            raise Problem(f"{tool} on {self.image}: {done.stderr.decode(errors='replace').strip()}")
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
        kernel, initramfs = parse_config(self.read("config.txt").decode())
        if not kernel or not initramfs:
            raise Problem(f"config.txt in {self.image} names no kernel or no initramfs.")
        return BootFiles(kernel, initramfs, " ".join(self.read("cmdline.txt").decode().split()))
