"""Build products by the digest of their inputs. Each is written under another name and renamed when it is complete."""

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

MAX_ENTRIES = 4  # of a kind, the most recently used ones: there are several profiles, and versions of a release
_DIGEST_CHARACTERS = 20


def digest(*inputs: str | bytes | int | Path) -> str:
    """Return a hash of texts, files and folders; a folder counts by its files' names, modes and contents."""
    total = hashlib.sha256()
    for part in inputs:
        if isinstance(part, Path):
            for name, content in _read_files(part):
                total.update(f"{len(name)}:{name}:{len(content)}:".encode(errors="surrogateescape"))
                total.update(content)
        else:
            raw = part if isinstance(part, bytes) else str(part).encode()
            total.update(f"{len(raw)}:".encode() + raw)
    return total.hexdigest()[:_DIGEST_CHARACTERS]


def _read_files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_file():
        yield path.name, path.read_bytes()
        return
    for file in sorted(path.rglob("*")):
        if "__pycache__" in file.parts or file.suffix == ".pyc" or file.is_dir():
            continue
        executable = "x" if os.access(file, os.X_OK) else "-"
        content = str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
        yield f"{executable}{file.relative_to(path)}", content


def entry_path(kind: str, inputs_digest: str, suffix: str = "") -> Path:
    """Return where an entry is, or will be."""
    return cache_home() / kind / f"{inputs_digest}{suffix}"


def find(kind: str, inputs_digest: str, suffix: str = "") -> Path | None:
    """Return an entry, or None when there is none."""
    path = entry_path(kind, inputs_digest, suffix)
    if not path.exists():
        return None
    with suppress(PermissionError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))  # the access time decides which entries are kept
    return path


def make(kind: str, inputs_digest: str, suffix: str, build: Callable[[Path], None]) -> Path:
    """Return an entry, which `build(path)` writes if there is none."""
    with locked(kind):
        existing = find(kind, inputs_digest, suffix)
        if existing is not None:
            return existing
        entry = entry_path(kind, inputs_digest, suffix)
        for stale in entry.parent.glob("tmp-*"):  # of a build that was killed, as we have the lock
            remove(stale)
        partial = entry.with_name(f"tmp-{entry.name}")
        try:
            build(partial)
            partial.rename(entry)
        except BaseException:
            remove(partial)
            raise
        _remove_old_entries(entry)
        return entry


@contextmanager
def locked(kind: str) -> Iterator[None]:
    """Let one process at a time build entries of a kind.

    Raises `ActionableError` when the cache belongs to another user.
    """
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


def require_free_space(gibibytes: float) -> None:
    """Raise `ActionableError` when the cache's file system has less free space than this."""
    free = shutil.disk_usage(cache_home()).free / 2**30
    if free < gibibytes:
        raise ActionableError(
            f"{free:.1f} GiB free in {cache_home()}, {gibibytes:.0f} GiB needed.",
            "Free some space, or set XDG_CACHE_HOME to a folder on a larger disk.",
        )


def remove(path: Path) -> None:
    """Delete a file or a tree, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _remove_old_entries(newest: Path) -> None:
    entries = [path for path in newest.parent.iterdir() if not path.name.startswith((".", "tmp-"))]
    entries.sort(key=lambda path: path.stat().st_atime, reverse=True)
    for old in [path for path in entries if path != newest][MAX_ENTRIES - 1 :]:
        remove(old)
