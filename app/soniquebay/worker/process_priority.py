"""What the worker's child processes, and the thread of backups, ask of the kernel: to give way to all others."""

import contextlib
import ctypes
import os
import platform

# Numbers of ioprio_set(2), for which Python and the C library have no function.
_IOPRIO_SET_SYSCALL = {"x86_64": 251, "aarch64": 30}
_IOPRIO_CLASS_IDLE = 3 << 13
_IOPRIO_WHO_PROCESS = 1


def limit_blas_threads() -> None:
    """Limit the numeric libraries to one thread a process; to be called before the first of them is imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def lower_priority(nice: int) -> None:
    """Raise this thread's niceness to `nice`; unless that is 0, also put it into the idle I/O class.

    Threads that it starts later have the same.

    For the processes that do the work. The main process, which distributes it, takes little, and all wait for it.
    """
    if nice == 0:
        return
    if os.getpriority(os.PRIO_PROCESS, 0) < nice:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, nice)
    if (number := _IOPRIO_SET_SYSCALL.get(platform.machine())) is not None:
        # The unit of the worker forbids this call, and sets the class for the whole unit instead.
        ctypes.CDLL(None).syscall(number, _IOPRIO_WHO_PROCESS, 0, _IOPRIO_CLASS_IDLE)
