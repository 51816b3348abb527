"""A unit of CPU time that is the same amount of work on every machine, however busy it is."""

import time

REFERENCE_STEPS = 1_000_000


def reference_cpu_seconds() -> float:
    """Return the CPU seconds that `REFERENCE_STEPS` steps of plain Python take in this thread just now.

    They are 0.1 to 0.2 s. Beside other work the same steps count more of them, as those of the measured code do.
    """
    began = time.thread_time()
    table = {}
    for number in range(REFERENCE_STEPS):
        table[number & 1023] = number
    return time.thread_time() - began
