"""Where two images differ, for a person who has to find out why."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from image import partitions
from image.bootcheck.card import Card
from image.build_root import BuildRoot


def differences(one: Path, other: Path, tools: BuildRoot, scratch: Path) -> list[str]:
    """The files that differ in content, length, mode, owner or time; at the end the first bytes, if no file does."""
    found = (
        [f"size {one.stat().st_size} and {other.stat().st_size}"] if one.stat().st_size != other.stat().st_size else []
    )
    boots = [Card(image, tools).files for image in (one, other)]
    found += [f"boot/{name}" for name in sorted({*boots[0], *boots[1]}) if boots[0].get(name) != boots[1].get(name)]
    roots = [listing(image, tools, scratch / str(number)) for number, image in enumerate((one, other))]
    for name in sorted({*roots[0], *roots[1]}):
        here, there = roots[0].get(name, "missing"), roots[1].get(name, "missing")
        if here != there:
            found.append(f"{name}: {here} | {there}")
    return found or [f"no file, but byte {at}" for at in first_bytes(one, other)]


def listing(image: Path, tools: BuildRoot, folder: Path) -> dict[str, str]:
    """Mode, owner, time and a hash of each file of the root file system, by its path; unpacked to `folder`."""
    folder.mkdir()
    place = f"{image}?offset={partitions.read(image)[1].start}"
    command = tools.native("debugfs", "-R", f"rdump / {folder}", place)
    subprocess.run(command, env=tools.environment(), check=True, capture_output=True)
    found = {}
    for parent, names, files in os.walk(folder):
        for path in (Path(parent) / name for name in [*names, *files]):
            facts = path.lstat()
            content = str(path.readlink()).encode() if path.is_symlink() else b""
            if path.is_file() and not path.is_symlink():
                content = path.read_bytes()
            mark = hashlib.sha256(content).hexdigest()[:12]
            time = 0 if path.is_symlink() else int(facts.st_mtime)
            found[str(path.relative_to(folder))] = f"{facts.st_mode:o} {facts.st_uid}:{facts.st_gid} {time} {mark}"
    return found


def first_bytes(one: Path, other: Path, most: int = 5) -> list[int]:
    """Places of the first blocks that differ."""
    found = []
    with one.open("rb") as a, other.open("rb") as b:
        at = 0
        while (block := a.read(4096)) and len(found) < most:
            if block != b.read(4096):
                found.append(at)
            at += 4096
    return found
