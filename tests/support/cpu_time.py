"""CPU time as a multiple of a fixed amount of work, which is the same on every machine, however busy it is."""

import gc
import time
from collections.abc import Callable

REFERENCE_STEPS = 1_000_000


def cpu_ratio(work: Callable[[], object]) -> float:
    """Return the CPU time of some work in this thread, as a multiple of that of `REFERENCE_STEPS` steps of Python.

    Those take 0.1 to 0.2 s. Beside other programs, both take more. Raises what the work raises.
    """
    gc.collect()
    gc.disable()  # a collection takes the longer the more objects earlier tests have left
    try:
        before = _reference_cpu_seconds()
        began = time.thread_time()
        work()
        taken = time.thread_time() - began
        return taken / max(before, _reference_cpu_seconds())
    finally:
        gc.enable()


def _reference_cpu_seconds() -> float:
    began = time.thread_time()
    table = {}
    for number in range(REFERENCE_STEPS):
        table[number & 1023] = number
    return time.thread_time() - began
