"""The plan of a run: its power cuts, spread over cards, phases and moments by a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What the machine does when its power is cut."""

    FIRST_BOOT = "first boot"
    SCAN = "scan"
    IDLE = "idle"


# Shortest and longest time from the beginning of a phase to the cut. A first boot begins with its first write. About 90
# seconds later all is healthy, and 30 seconds after that its last writes are on the card.
CUT_DELAY_SECONDS = {Phase.FIRST_BOOT: (0.0, 110.0), Phase.SCAN: (0.0, 20.0), Phase.IDLE: (0.0, 40.0)}


@dataclass(frozen=True)
class Cut:
    """One power cut: of a new card in a first boot, else of the card of the cut before."""

    number: int
    phase: Phase
    delay_seconds: float
    """From the beginning of the phase."""
    rng: random.Random
    """Chooses which writes are lost."""

    def __str__(self) -> str:
        return f"cut {self.number}: {self.phase}, after {self.delay_seconds:.1f} s"


def plan(count: int, seed: int) -> list[Cut]:
    """Return the cuts of a run. The power of each card is cut in its first boot and then several times more."""
    rng = random.Random(seed)  # noqa: S311
    phases: list[Phase] = []
    while len(phases) < count:
        more = [rng.choice((Phase.SCAN, Phase.IDLE)) for _ in range(rng.randint(0, 3))]
        phases += [Phase.FIRST_BOOT, Phase.SCAN, Phase.IDLE, *more]
    cuts = []
    for number, phase in enumerate(phases[:count], 1):
        # a generator of its own, so that a shorter run is the beginning of a longer one
        cut_rng = random.Random(f"{seed} {number}")  # noqa: S311
        cuts.append(Cut(number, phase, cut_rng.uniform(*CUT_DELAY_SECONDS[phase]), cut_rng))
    return cuts
