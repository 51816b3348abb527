"""ARM64 programs on this machine, by the toolbox's qemu-user; the host is left as it was found."""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import Problem
from .toolbox import Toolbox

FOLDER = Path("/proc/sys/fs/binfmt_misc")
LOCK = Path("/run/lock/soniquebay-binfmt")  # the kernel has one such list, whichever cache a build uses
NAME = "soniquebay-aarch64"
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


def entry(interpreter: Path) -> str:
    """The kernel's line for it. F: the interpreter is opened now, so it works in any root."""
    return f":{NAME}:M::{MAGIC}:{MASK}:{interpreter}:FPC"


@contextmanager
def arm64_programs(toolbox: Toolbox) -> Iterator[None]:
    """While it lasts, ARM64 programs run here."""
    if platform.machine() == "aarch64":
        yield
        return
    with _alone():
        mounted = not (FOLDER / "register").exists()
        if mounted:
            done = subprocess.run(
                ["mount", "-t", "binfmt_misc", "binfmt_misc", str(FOLDER)], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise Problem(
                    f"This kernel offers no binfmt_misc ({done.stderr.strip()}).", "Load it: modprobe binfmt_misc"
                )
        try:
            _forget()  # of a run that was killed; it may point at a toolbox that is gone
            try:
                (FOLDER / "register").write_text(entry(toolbox.root / "usr/bin/qemu-aarch64"))
            except OSError as error:
                raise Problem(f"The kernel refused qemu-user ({error.strerror}).", "Is this a container?") from error
            yield
        finally:
            _forget()
            if mounted:
                subprocess.run(["umount", str(FOLDER)], capture_output=True, check=False)


@contextmanager
def _alone() -> Iterator[None]:
    handle = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _forget() -> None:
    if (FOLDER / NAME).exists():
        (FOLDER / NAME).write_text("-1")
