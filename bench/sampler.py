"""Memory of a running stack, looked at every half second by a thread of its own."""

import threading
import time
from collections import defaultdict
from types import TracebackType

from bench import processes
from tests.support.stack import Stack, children

INTERVAL = 0.5  # seconds
TOTAL, BUSY = "sum", "children"


class Sampler:
    """Samples of each program's PSS, MB, while the `with` block runs; `mark` names what goes on."""

    def __init__(self, stack: Stack) -> None:
        self._pids = processes.programs(stack)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._phase = ""
        self._began = time.monotonic()
        self.samples: list[tuple[float, str, dict[str, float]]] = []  # seconds, phase, PSS and number of children

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def mark(self, phase: str) -> None:
        """Say what is going on from now on."""
        self._phase = phase

    def _run(self) -> None:
        while not self._stop.is_set():
            found = processes.memory(self._pids)
            sizes = {name: round(size, 1) for name, size in {**found, TOTAL: sum(found.values())}.items()}
            sizes[BUSY] = len(children(self._pids["worker"]))
            self.samples.append((round(time.monotonic() - self._began, 2), self._phase, sizes))
            self._stop.wait(INTERVAL)

    def peaks(self, phase: str) -> dict[str, float]:
        """Return the largest value of each program, and of their sum, in a phase, MB; raises when it had no sample."""
        found: dict[str, float] = defaultdict(float)
        for _, name, sizes in self.samples:
            if name == phase:
                for program, size in sizes.items():
                    found[program] = max(found[program], size)
        assert found, f"no sample in {phase!r}"
        return dict(found)

    def chart(self, width: int = 100, height: int = 10) -> str:
        """Return the sum over time as text, a letter for each phase's first column below."""
        end = max(1e-9, self.samples[-1][0])
        columns, phases = [0.0] * width, [" "] * width
        previous = ""
        for at, phase, sizes in self.samples:
            place = min(width - 1, int(at / end * width))
            columns[place] = max(columns[place], sizes[TOTAL])
            if phase != previous:
                phases[place], previous = phase[:1].upper(), phase
        for place in range(1, width):
            columns[place] = columns[place] or columns[place - 1]
        top = max(columns)
        lines = []
        for level in range(height, 0, -1):
            bar = "".join("█" if value >= top * (level - 0.5) / height else " " for value in columns)
            lines.append(f"{top * level / height:6.0f} MB │{bar}")
        axis = "".join(phases).rstrip()
        return "\n".join([*lines, f"{'':9} └{'─' * width} {end:.0f} s", f"{'':11}{axis}"])
