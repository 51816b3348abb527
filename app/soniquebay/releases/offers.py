"""The release archives that lie at the top of the music's drives. Nothing is opened: a name and a size are enough.

What an archive holds is read by root alone, once its signature has proved where it comes from (`taking.py`).
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cmp_to_key
from pathlib import Path
from typing import Literal

from soniquebay.library.paths import is_within
from soniquebay.releases import signatures
from soniquebay.releases.versions import compare, version_of
from soniquebay.watch.mounts import parse_mountinfo

MAX_ARCHIVE_BYTES = 512 << 20  # a release has less than a fifth of that
MAX_SIGNATURE_BYTES = 16 << 10  # the longest key of RSA makes 3 KB
MAX_FOUND = 20  # in one folder: nobody looks at more
MOUNTINFO = Path("/proc/self/mountinfo")
State = Literal["newer", "same", "older", "unsigned", "not_a_file", "too_large"]
"""`newer`: it can be installed. `same`, `older`: than the release that runs. `unsigned`: no signature lies beside it.
`not_a_file`: a link, a folder or a pipe of this name."""


@dataclass(frozen=True)
class Offer:
    """A file that has the name of a release archive."""

    path: bytes
    version: str
    bytes: int
    state: State


def places(music: Iterable[Path], mountinfo: bytes) -> list[bytes]:
    """Return the folders in which archives are looked for: those of the music, and where drives are mounted in them.

    They are real paths, without symbolic links.
    """
    points = {mount.mount_point for mount in parse_mountinfo(mountinfo)}
    found: list[bytes] = []
    for folder in music:
        real = os.path.realpath(os.fsencode(folder))
        found += [real, *sorted(point for point in points if point != real and is_within(point, real))]
    return list(dict.fromkeys(found))


def find(folder: bytes, running: str) -> list[Offer]:
    """Return the archives at the top of a folder, the newest first. `running`: the version that runs.

    Raises ``OSError``. It waits as long as the drive does.
    """
    with os.scandir(folder) as entries:
        named = [(entry, version) for entry in entries if (version := version_of(os.fsdecode(entry.name)))]
    return newest_first(_offer(entry, version, running) for entry, version in named)[:MAX_FOUND]


def newest_first(offers: Iterable[Offer]) -> list[Offer]:
    """Sort offers by their version."""
    return sorted(offers, key=cmp_to_key(_newer_first))


def _newer_first(one: Offer, other: Offer) -> int:
    return compare(other.version, one.version)


def _offer(entry: os.DirEntry[bytes], version: str, running: str) -> Offer:
    status = entry.stat(follow_symlinks=False)
    return Offer(entry.path, version, status.st_size, _state(entry.path, status, compare(version, running)))


def _state(path: bytes, status: os.stat_result, newer: int) -> State:
    if not stat.S_ISREG(status.st_mode):
        return "not_a_file"
    if newer <= 0:
        return "older" if newer else "same"
    if status.st_size > MAX_ARCHIVE_BYTES:
        return "too_large"
    return "newer" if _is_signature(path + signatures.SUFFIX.encode()) else "unsigned"


def _is_signature(path: bytes) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and 0 < status.st_size <= MAX_SIGNATURE_BYTES
