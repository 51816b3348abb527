"""Where two images differ, for whoever has to find out why."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from image import partitions
from image.bootcheck.card import Card
from image.build_root import BuildRoot

BLOCK_BYTES = 4096


def find_differences(first: Path, second: Path, tools: BuildRoot, scratch: Path) -> list[str]:
    """Return the files that differ in content, length, mode, owner or time, or else the first blocks that differ."""
    images = (first, second)
    sizes = [image.stat().st_size for image in images]
    differences = [f"size {sizes[0]} and {sizes[1]}"] if sizes[0] != sizes[1] else []
    boots = [Card(image, tools).boot_files for image in images]
    names = sorted({*boots[0], *boots[1]})
    differences += [f"boot/{name}" for name in names if boots[0].get(name) != boots[1].get(name)]
    roots = [list_root(image, tools, scratch / str(number)) for number, image in enumerate(images)]
    for name in sorted({*roots[0], *roots[1]}):
        lines = [root.get(name, "missing") for root in roots]
        if lines[0] != lines[1]:
            differences.append(f"{name}: {lines[0]} | {lines[1]}")
    return differences or [f"no file, but byte {offset}" for offset in find_different_blocks(first, second)]


def list_root(image: Path, tools: BuildRoot, folder: Path) -> dict[str, str]:
    """Unpack the root file system to `folder`; returns mode, owner, time and a hash of each file by its path."""
    folder.mkdir()
    file_system = f"{image}?offset={partitions.read(image)[1].start}"
    command = tools.native("debugfs", "-R", f"rdump / {folder}", file_system)
    subprocess.run(command, env=tools.environment(), check=True, capture_output=True)
    lines = {}
    for parent, names, files in os.walk(folder):
        for path in (Path(parent) / name for name in [*names, *files]):
            status = path.lstat()
            content = str(path.readlink()).encode() if path.is_symlink() else b""
            if path.is_file() and not path.is_symlink():
                content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:12]
            time = 0 if path.is_symlink() else int(status.st_mtime)
            lines[str(path.relative_to(folder))] = f"{status.st_mode:o} {status.st_uid}:{status.st_gid} {time} {digest}"
    return lines


def find_different_blocks(first: Path, second: Path, max_blocks: int = 5) -> list[int]:
    """Return the offsets of the first blocks that differ."""
    offsets: list[int] = []
    with first.open("rb") as one, second.open("rb") as other:
        offset = 0
        while (block := one.read(BLOCK_BYTES)) and len(offsets) < max_blocks:
            if block != other.read(BLOCK_BYTES):
                offsets.append(offset)
            offset += BLOCK_BYTES
    return offsets
