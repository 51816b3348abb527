"""What a transcoder gives up before it reads a file of unknown origin."""

import contextlib
import ctypes
import os
import resource
import signal
from pathlib import Path

from soniquebay.procfs import MIB

NICENESS = 5  # between the API (0) and the worker's child processes (10): music goes on during a scan
MAX_MEMORY_MIB = 192  # of its own; music takes 20, and the index of a recording of a whole day 100
MAX_CPU_SECONDS = 4 * 3600  # no music takes as long; a decoder that never ends does

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
# Landlock has no function in the C library. Its numbers are the same on every architecture.
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_RESTRICT_SELF = 446
_EVERY_FILE_RIGHT = (1 << 13) - 1  # those of the first version, which every kernel with Landlock has


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends, whose id was `parent`; end at once if it has."""
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)


def lower_priority() -> None:
    """Give way to the API, but not to a scan."""
    with contextlib.suppress(PermissionError):  # it works all the same
        os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))


def be_killed_first() -> None:
    """When memory is short, have the kernel end this process before the API, which is in the same control group."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def confine() -> None:
    """Limit memory and processor time, and give up opening files. What is imported later is not found any more."""
    libc = _libc()
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    rights = ctypes.c_uint64(_EVERY_FILE_RIGHT)
    # A set of rules without any rule: nothing below any folder may be opened, made, changed or removed. A kernel
    # without Landlock refuses, and the limit on descriptors still holds.
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(rights), ctypes.sizeof(rights), 0)
    if ruleset >= 0:
        libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
        os.close(ruleset)
    for kind, limit in (
        (resource.RLIMIT_DATA, MAX_MEMORY_MIB * MIB),
        (resource.RLIMIT_CPU, MAX_CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 0),  # those that are open stay
    ):
        resource.setrlimit(kind, (limit, limit))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
