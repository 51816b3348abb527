"""A card image as the checks see it: partitions, every file of the boot partition, files of the root file system."""

from __future__ import annotations

import os
import posixpath
import re
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from .. import partitions
from ..build_root import BuildRoot
from ..errors import ActionableError
from ..partitions import SECTOR_BYTES, Partition
from .config import Config, parse_config
from .headers import SUPERBLOCK_BYTES, SUPERBLOCK_OFFSET, Ext4, Fat32, parse_ext4, parse_fat32

_DISK_SIGNATURE_OFFSET = 440
_COPY_BYTES = 2**20
_MAX_LINKS = 8


class Card:
    """A card image. What is read once is kept."""

    def __init__(self, image: Path, tools: BuildRoot) -> None:
        self.image = image
        self.tools = tools

    @cached_property
    def partitions(self) -> list[Partition]:
        """Return the boot and the root partition.

        Raises `ActionableError` when there are not two.
        """
        found = partitions.read(self.image)
        if len(found) != 2:
            raise ActionableError(f"There are {len(found)} partitions, not a boot and a root partition.")
        return found

    @cached_property
    def fat(self) -> Fat32:
        """Return the header of the boot partition."""
        return parse_fat32(self._read_bytes(self.partitions[0].start, SECTOR_BYTES))

    @cached_property
    def ext4(self) -> Ext4:
        """Return the header of the root partition."""
        return parse_ext4(self._read_bytes(self.partitions[1].start + SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES))

    @cached_property
    def signature(self) -> int:
        """Return the disk's signature, from which the kernel makes PARTUUIDs."""
        signature: int = struct.unpack("<I", self._read_bytes(_DISK_SIGNATURE_OFFSET, 4))[0]
        return signature

    @cached_property
    def boot_files(self) -> dict[str, bytes]:
        """Return every file of the boot partition by its path in lower case, as FAT compares names."""
        with tempfile.TemporaryDirectory() as scratch:
            self.run("mcopy", "-i", f"{self.image}@@{self.partitions[0].start}", "-sQn", "::/", scratch)
            root = Path(scratch)
            paths = [path for path in root.rglob("*") if path.is_file()]
            return {str(path.relative_to(root)).lower(): path.read_bytes() for path in paths}

    def read_boot_file(self, name: str, purpose: str) -> bytes:
        """Return a file of the boot partition.

        Raises `ActionableError`, with the `purpose` of the file, when it is missing or empty.
        """
        content = self.boot_files.get(name.lower())
        if content is None:
            raise ActionableError(f"{name} is not on the boot partition ({purpose}).")
        if not content:
            raise ActionableError(f"{name} on the boot partition is empty ({purpose}).")
        return content

    @cached_property
    def config(self) -> Config:
        """Return config.txt as a Raspberry Pi 4 reads it."""
        return parse_config(self.read_boot_file("config.txt", "the firmware's settings").decode("utf-8", "replace"))

    @cached_property
    def command_line(self) -> str:
        """Return the first line of cmdline.txt, which is all that the firmware takes."""
        lines = self.read_boot_file("cmdline.txt", "the kernel's command line").decode("utf-8", "replace").splitlines()
        return lines[0] if lines else ""

    def list_folder(self, folder: str) -> set[str]:
        """Return the names in a folder of the root file system; empty when there is no such folder."""
        lines = self._run_debugfs(f'ls -p "{folder}"').decode(errors="replace").splitlines()
        return {line.split("/")[5] for line in lines if line.count("/") > 5} - {".", "..", ""}

    def read_text(self, path: str) -> str:
        """Return a file of the root file system, links followed; empty when there is no such file."""
        return self._run_debugfs(f'cat "{self.resolve_link(path)}"').decode(errors="replace")

    def copy_folder(self, folder: str, target: Path) -> Path:
        """Copy a folder of the root file system into `target`, and return the copy; it is missing when there is none.

        Links are copied as they are: one with an absolute target leads out of the copy.
        """
        self._run_debugfs(f'rdump "{folder}" "{target}"')
        return target / posixpath.basename(folder)

    def file_size(self, path: str) -> int:
        """Return the bytes of a file of the root file system, links followed; 0 when there is no such file."""
        match = re.search(r"\bType: regular\b[\s\S]*?\bSize: (\d+)", self._stat(self.resolve_link(path)))
        return int(match[1]) if match else 0

    def modification_time(self, path: str) -> int:
        """Return when a file of the root file system was last written, in seconds since 1970; 0 when there is none."""
        match = re.search(r"^ *mtime: 0x([0-9a-f]+)", self._stat(path), re.MULTILINE)
        return int(match[1], 16) if match else 0

    def resolve_link(self, path: str) -> str:
        """Return the path to which a link of the root file system leads in the end."""
        for _ in range(_MAX_LINKS):
            match = re.search(r'Fast link dest: "([^"]*)"', self._stat(path))
            if match is None:
                return path
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[1]))
        return path

    def run(self, tool: str, *arguments: str, stdin: bytes | None = None) -> bytes:
        """Return the output of a tool of the build root.

        Raises `ActionableError` with the tool's last messages when it fails.
        """
        command = self.tools.native(tool, *arguments)
        environment = {**self.tools.environment(), "DEBUGFS_PAGER": "cat"}
        done = subprocess.run(command, env=environment, input=stdin, capture_output=True, check=False)
        # debugfs exits with 0 although it could not open the file system
        if done.returncode or b"not open" in done.stderr:
            messages = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            raise ActionableError(f"{tool} failed: {' / '.join(messages[-3:]) or f'exit status {done.returncode}'}")
        return done.stdout

    @contextmanager
    def extracted(self, partition: Partition) -> Iterator[Path]:
        """Provide a partition as a file of its own, for tools that have no option for an offset."""
        with tempfile.NamedTemporaryFile() as file:
            _copy_range(self.image, partition.start, partition.size, Path(file.name))
            yield Path(file.name)

    def _stat(self, path: str) -> str:
        return self._run_debugfs(f'stat "{path}"').decode(errors="replace")

    def _run_debugfs(self, request: str) -> bytes:
        return self.run("debugfs", "-R", request, f"{self.image}?offset={self.partitions[1].start}")

    def _read_bytes(self, start: int, count: int) -> bytes:
        with self.image.open("rb") as file:
            file.seek(start)
            content = file.read(count)
        if len(content) != count:
            raise ActionableError(f"The image ends at {start + len(content)} bytes, within its own partitions.")
        return content


def _copy_range(source: Path, start: int, size: int, target: Path) -> None:
    """Copy a part of a file, with holes where there are zeroes."""
    with source.open("rb") as reader, target.open("wb") as writer:
        reader.seek(start)
        for _ in range(0, size, _COPY_BYTES):
            block = reader.read(min(_COPY_BYTES, size - writer.tell()))
            if block.count(0) == len(block):
                writer.seek(len(block), os.SEEK_CUR)
            else:
                writer.write(block)
        writer.truncate(size)
