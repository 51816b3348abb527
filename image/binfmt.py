"""ARM64 programs on this machine, by the build root's qemu-user; the machine's settings are restored at the end."""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .build_root import BuildRoot
from .errors import ActionableError

FOLDER = Path("/proc/sys/fs/binfmt_misc")
# The kernel has one list of interpreters, so all caches and users share these files.
LOCK, USERS, MOUNTED = (Path(f"/run/lock/soniquebay-binfmt{kind}") for kind in ("", ".users", ".mounted"))
NAME = "soniquebay-aarch64"
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


def format_entry(interpreter: Path) -> str:
    """Return the line that registers an interpreter. With F the kernel opens it now, so that it works in any root."""
    return f":{NAME}:M::{MAGIC}:{MASK}:{interpreter}:FPC"


@contextmanager
def arm64_programs(tools: BuildRoot) -> Iterator[None]:
    """Let this machine run ARM64 programs; several processes may do so at a time, and the last one cleans up.

    Raises `ActionableError` when the kernel refuses.
    """
    if platform.machine() == "aarch64":
        yield
        return
    with _opened(USERS) as users:
        try:
            with _locked():
                # An existing entry is of a process that was killed, and may name a build root that no longer exists.
                if _is_only_user(users):
                    _register(tools)
                fcntl.flock(users, fcntl.LOCK_SH)
            yield
        finally:
            with _locked():
                if _is_only_user(users):
                    _unregister()


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _locked() -> Iterator[None]:
    """Hold the lock under which processes register and unregister."""
    with _opened(LOCK) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _is_only_user(users: int) -> bool:
    """Tell whether no other process uses ARM64 programs; each of them holds a shared lock on the file."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _register(tools: BuildRoot) -> None:
    if not (FOLDER / "register").exists():
        mount = ["mount", "-t", "binfmt_misc", "binfmt_misc", str(FOLDER)]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ActionableError(
                f"This kernel offers no binfmt_misc ({done.stderr.strip()}).", "Load it: modprobe binfmt_misc"
            )
        MOUNTED.touch()
    _remove_entry()
    try:
        (FOLDER / "register").write_text(format_entry(tools.root / "usr/bin/qemu-aarch64"))
    except OSError as error:
        raise ActionableError(f"The kernel refused qemu-user ({error.strerror}).", "Is this a container?") from error


def _unregister() -> None:
    _remove_entry()
    if MOUNTED.exists():
        subprocess.run(["umount", str(FOLDER)], capture_output=True, check=False)
        MOUNTED.unlink()


def _remove_entry() -> None:
    if (FOLDER / NAME).exists():
        (FOLDER / NAME).write_text("-1")
