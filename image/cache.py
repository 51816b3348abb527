"""Build products by the hash of what they are made from; written aside and renamed, so never half there."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import ActionableError
from .paths import cache_home, chown_to_invoking_user

KEEP = 4  # the newest entries of a kind that survive a new one: there are several profiles, and versions of a release


def digest(*parts: str | bytes | int | Path) -> str:
    """Hash of texts, files and folders; a folder counts by its files' names, modes and contents."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            for name, content in _files(part):
                total.update(f"{len(name)}:{name}:{len(content)}:".encode(errors="surrogateescape"))
                total.update(content)
        else:
            raw = part if isinstance(part, bytes) else str(part).encode()
            total.update(f"{len(raw)}:".encode() + raw)
    return total.hexdigest()[:20]


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_file():
        yield path.name, path.read_bytes()
        return
    for file in sorted(path.rglob("*")):
        if "__pycache__" in file.parts or file.suffix == ".pyc" or file.is_dir():
            continue
        executable = "x" if os.access(file, os.X_OK) else "-"
        content = str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
        yield f"{executable}{file.relative_to(path)}", content


def place(kind: str, key: str, suffix: str = "") -> Path:
    """Where an entry is, or will be."""
    return cache_home() / kind / f"{key}{suffix}"


def find(kind: str, key: str, suffix: str = "") -> Path | None:
    """An entry that is there already."""
    path = place(kind, key, suffix)
    if not path.exists():
        return None
    with suppress(PermissionError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))  # read now: the age by which old entries go
    return path


def make(kind: str, key: str, suffix: str, build: Callable[[Path], None]) -> Path:
    """The entry, built by `build(path)` if it is not there yet."""
    with locked(kind):
        found = find(kind, key, suffix)
        if found is not None:
            return found
        final = place(kind, key, suffix)
        for stale in final.parent.glob("tmp-*"):  # of a build that was killed: we hold the lock
            remove(stale)
        partial = final.with_name(f"tmp-{final.name}")
        try:
            build(partial)
            partial.rename(final)
        except BaseException:
            remove(partial)
            raise
        _prune(final)
        return final


@contextmanager
def locked(kind: str) -> Iterator[None]:
    """One builder of a kind at a time."""
    folder = cache_home() / kind
    lock = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        chown_to_invoking_user(folder)
        chown_to_invoking_user(lock)
    except PermissionError as error:
        raise ActionableError(
            f"The cache {folder} belongs to another user.",
            "Give it back with: sudo chown -R $USER ~/.cache/soniquebay",
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def need_space(gibibytes: float) -> None:
    """Refuse early rather than fail late."""
    free = shutil.disk_usage(cache_home()).free / 2**30
    if free < gibibytes:
        raise ActionableError(
            f"{free:.1f} GiB free in {cache_home()}, {gibibytes:.0f} GiB needed.",
            "Free some space, or set XDG_CACHE_HOME to a folder on a larger disk.",
        )


def remove(path: Path) -> None:
    """Delete a file or a tree, whatever it is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _prune(newest: Path) -> None:
    entries = [path for path in newest.parent.iterdir() if not path.name.startswith((".", "tmp-"))]
    entries.sort(key=lambda path: path.stat().st_atime, reverse=True)
    for old in [path for path in entries if path != newest][KEEP - 1 :]:
        remove(old)
