"""What the worker's processes ask of the kernel: to come last."""

import contextlib
import ctypes
import os
import platform

NICE = 10
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}  # numbers of a system call that Python has no name for
_IOPRIO_IDLE = 3 << 13
_WHO_PROCESS = 1


def limit_blas_threads() -> None:
    """Hold the numeric libraries to one thread a process; before the first of them is imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def lower_priority() -> None:
    """Leave processor and disk to whoever else wants them: nice, and idle I/O.

    For the processes that do the work; the one that hands it out takes little, and all wait for it.
    """
    if os.getpriority(os.PRIO_PROCESS, 0) < NICE:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
    if (call := _IOPRIO_SET.get(platform.machine())) is not None:
        # Forbidden in the appliance's unit, which has said so itself.
        ctypes.CDLL(None).syscall(call, _WHO_PROCESS, 0, _IOPRIO_IDLE)
