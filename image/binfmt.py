"""ARM64 programs on this machine, by the toolbox's qemu-user; the host is left as it was found."""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import cache
from .errors import Problem
from .toolbox import Toolbox

FOLDER = Path("/proc/sys/fs/binfmt_misc")
NAME = "soniquebay-aarch64"
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


def entry(interpreter: Path) -> str:
    """The kernel's line for it. F: the interpreter is opened now, so it works in any root."""
    return f":{NAME}:M::{MAGIC}:{MASK}:{interpreter}:FPC"


@contextmanager
def arm64_programs(toolbox: Toolbox) -> Iterator[None]:
    """While it lasts, ARM64 programs run here. Several may ask for it at once: the last one cleans up."""
    if platform.machine() == "aarch64":
        yield
        return
    with cache.locked("binfmt"):  # creates the file; held for a moment only
        users = os.open(cache.place("binfmt", ".users"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with cache.locked("binfmt"):
            if _alone(users):  # what is there is of a run that was killed; it may point at a toolbox that is gone
                _register(toolbox)
            fcntl.flock(users, fcntl.LOCK_SH)
        yield
    finally:
        with cache.locked("binfmt"):
            if _alone(users):
                _forget()
        os.close(users)


def _alone(users: int) -> bool:
    """Whether nobody else has ARM64 programs running."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _register(toolbox: Toolbox) -> None:
    if not (FOLDER / "register").exists():
        mount = ["mount", "-t", "binfmt_misc", "binfmt_misc", str(FOLDER)]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Problem(
                f"This kernel offers no binfmt_misc ({done.stderr.strip()}).", "Load it: modprobe binfmt_misc"
            )
        cache.place("binfmt", ".mounted").touch()
    _forget_entry()
    try:
        (FOLDER / "register").write_text(entry(toolbox.root / "usr/bin/qemu-aarch64"))
    except OSError as error:
        raise Problem(f"The kernel refused qemu-user ({error.strerror}).", "Is this a container?") from error


def _forget() -> None:
    _forget_entry()
    ours = cache.place("binfmt", ".mounted")
    if ours.exists():
        subprocess.run(["umount", str(FOLDER)], capture_output=True, check=False)
        ours.unlink()


def _forget_entry() -> None:
    if (FOLDER / NAME).exists():
        (FOLDER / NAME).write_text("-1")
