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
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .. import partitions
from ..build_root import BuildRoot
from ..errors import ActionableError
from ..partitions import Partition
from .config import Config, parse


@dataclass(frozen=True)
class Fat:
    """The header of the boot partition; sizes in bytes."""

    label: str
    cluster: int
    clusters: int
    hidden: int
    size: int
    reserved: int
    tables: int
    table_size: int
    root_cluster: int

    @property
    def data(self) -> int:
        """Where cluster 2 begins."""
        return self.reserved + self.tables * self.table_size


@dataclass(frozen=True)
class Ext4:
    """The superblock of the root partition."""

    label: str
    uuid: str
    size: int
    clean: bool


class Card:
    """A card image; what is read once is kept."""

    def __init__(self, image: Path, tools: BuildRoot) -> None:
        self.image = image
        self.tools = tools

    @cached_property
    def partitions(self) -> list[Partition]:
        """Boot and root; an ActionableError when there are not two."""
        found = partitions.read(self.image)
        if len(found) != 2:
            raise ActionableError(f"There are {len(found)} partitions, not a boot and a root partition.")
        return found

    @cached_property
    def fat(self) -> Fat:
        """The header of the boot partition."""
        head = self._bytes(self.partitions[0].start, 512)
        if head[510:] != b"\x55\xaa" or head[82:90] != b"FAT32   ":
            raise ActionableError("The boot partition is not FAT32.")
        per_sector, per_cluster, reserved, tables = struct.unpack_from("<HBHB", head, 11)
        hidden, sectors, table = struct.unpack_from("<III", head, 28)
        root_cluster = struct.unpack_from("<I", head, 44)[0]
        if per_sector != 512 or not per_cluster or not tables:
            raise ActionableError("The boot partition's header makes no sense.")
        clusters = (sectors - reserved - tables * table) // per_cluster
        return Fat(
            label=head[71:82].decode("ascii", "replace").strip(),
            cluster=per_cluster * 512,
            clusters=clusters,
            hidden=hidden * 512,
            size=sectors * 512,
            reserved=reserved * 512,
            tables=tables,
            table_size=table * 512,
            root_cluster=root_cluster,
        )

    @cached_property
    def ext4(self) -> Ext4:
        """The superblock of the root partition."""
        head = self._bytes(self.partitions[1].start + 1024, 1024)
        if head[56:58] != b"\x53\xef":
            raise ActionableError("The root partition is not ext4.")
        blocks, log_size = struct.unpack_from("<I", head, 4)[0], struct.unpack_from("<I", head, 24)[0]
        uuid = head[104:120].hex()
        return Ext4(
            label=head[120:136].rstrip(b"\0").decode("utf-8", "replace"),
            uuid=f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}",
            size=blocks * (1024 << log_size),
            clean=struct.unpack_from("<H", head, 58)[0] == 1,
        )

    @cached_property
    def signature(self) -> int:
        """The disk's signature, from which the kernel makes PARTUUIDs."""
        found: int = struct.unpack("<I", self._bytes(440, 4))[0]
        return found

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Every file of the boot partition by its path in lower case, as FAT compares names."""
        with tempfile.TemporaryDirectory() as scratch:
            place = f"{self.image}@@{self.partitions[0].start}"
            self.run("mcopy", "-i", place, "-sQn", "::/", scratch)
            root = Path(scratch)
            paths = [path for path in root.rglob("*") if path.is_file()]
            return {str(path.relative_to(root)).lower(): path.read_bytes() for path in paths}

    def file(self, name: str, what: str) -> bytes:
        """A file of the boot partition; an ActionableError that says what it was wanted for when it is not there."""
        content = self.files.get(name.lower())
        if content is None:
            raise ActionableError(f"{name} is not on the boot partition ({what}).")
        if not content:
            raise ActionableError(f"{name} on the boot partition is empty ({what}).")
        return content

    @cached_property
    def config(self) -> Config:
        """config.txt as a Raspberry Pi 4 reads it."""
        return parse(self.file("config.txt", "the firmware's settings").decode("utf-8", "replace"))

    @cached_property
    def command_line(self) -> str:
        """The first line of the kernel's command line, as the firmware takes it."""
        lines = self.file("cmdline.txt", "the kernel's command line").decode("utf-8", "replace").splitlines()
        return lines[0] if lines else ""

    def names(self, folder: str) -> set[str]:
        """Names in a folder of the root file system; empty when there is none."""
        lines = self._debugfs(f'ls -p "{folder}"').decode(errors="replace").splitlines()
        return {line.split("/")[5] for line in lines if line.count("/") > 5} - {".", "..", ""}

    def text(self, path: str) -> str:
        """A file of the root file system, links followed; empty when there is none."""
        return self._debugfs(f'cat "{self.resolve(path)}"').decode(errors="replace")

    def size(self, path: str) -> int:
        """Bytes of a file of the root file system, links followed; 0 when there is none."""
        found = re.search(r"\bType: regular\b[\s\S]*?\bSize: (\d+)", self._stat(self.resolve(path)))
        return int(found[1]) if found else 0

    def modified(self, path: str) -> int:
        """When a file of the root file system was last written, in seconds since 1970; 0 when there is none."""
        found = re.search(r"^ *mtime: 0x([0-9a-f]+)", self._stat(path), re.MULTILINE)
        return int(found[1], 16) if found else 0

    def resolve(self, path: str) -> str:
        """What a link of the root file system points to in the end."""
        for _ in range(8):
            found = re.search(r'Fast link dest: "([^"]*)"', self._stat(path))
            if found is None:
                return path
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), found[1]))
        return path

    def run(self, tool: str, *arguments: str, data: bytes | None = None) -> bytes:
        """A tool of the build root; an ActionableError with its last words when it fails."""
        command = self.tools.native(tool, *arguments)
        environment = {**self.tools.environment(), "DEBUGFS_PAGER": "cat"}
        done = subprocess.run(command, env=environment, input=data, capture_output=True, check=False)
        if done.returncode or b"not open" in done.stderr:  # debugfs says so and ends well
            said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            raise ActionableError(f"{tool} says: {' / '.join(said[-3:]) or done.returncode}")
        return done.stdout

    @contextmanager
    def alone(self, partition: Partition) -> Iterator[Path]:
        """A partition as a file of its own, for tools that cannot be told where it begins."""
        with tempfile.NamedTemporaryFile() as part:
            _copy_range(self.image, partition.start, partition.size, Path(part.name))
            yield Path(part.name)

    def _stat(self, path: str) -> str:
        return self._debugfs(f'stat "{path}"').decode(errors="replace")

    def _debugfs(self, request: str) -> bytes:
        return self.run("debugfs", "-R", request, f"{self.image}?offset={self.partitions[1].start}")

    def _bytes(self, start: int, count: int) -> bytes:
        with self.image.open("rb") as file:
            file.seek(start)
            found = file.read(count)
        if len(found) != count:
            raise ActionableError(f"The image ends at {start + len(found)} bytes, within its own partitions.")
        return found


def _copy_range(source: Path, start: int, size: int, target: Path) -> None:
    """Copy a part of a file, with holes where there are zeroes."""
    step = 2**20
    with source.open("rb") as read, target.open("wb") as write:
        read.seek(start)
        for _ in range(0, size, step):
            block = read.read(min(step, size - write.tell()))
            if block.count(0) == len(block):
                write.seek(len(block), os.SEEK_CUR)
            else:
                write.write(block)
        write.truncate(size)
