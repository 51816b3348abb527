"""When the power goes: a number of cuts spread over cards, phases and moments by a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What the machine is doing."""

    FIRST_BOOT = "first boot"
    SCAN = "scan"
    IDLE = "idle"


# Seconds into a phase between which the power goes. That of a first boot begins with its first write; some 90 later all
# is healthy, and what it wrote last is on the card half a minute after that.
MOMENTS = {Phase.FIRST_BOOT: (0.0, 110.0), Phase.SCAN: (0.0, 20.0), Phase.IDLE: (0.0, 40.0)}


@dataclass(frozen=True)
class Cut:
    """One cut: on a fresh card when it is one of a first boot, else on the card of the cut before."""

    number: int
    phase: Phase
    moment: float
    """Seconds into the phase."""
    chance: random.Random
    """Decides which writes are lost."""

    def __str__(self) -> str:
        return f"cut {self.number}: {self.phase}, after {self.moment:.1f} s"


def plan(count: int, seed: int) -> list[Cut]:
    """The cuts of a run: each card is cut in its first boot, then some times more, so that it ages."""
    chance = random.Random(seed)  # noqa: S311
    phases: list[Phase] = []
    while len(phases) < count:
        more = [chance.choice((Phase.SCAN, Phase.IDLE)) for _ in range(chance.randint(0, 3))]
        phases += [Phase.FIRST_BOOT, Phase.SCAN, Phase.IDLE, *more]
    cuts = []
    for number, phase in enumerate(phases[:count], 1):
        own = random.Random(f"{seed} {number}")  # noqa: S311  a shorter run is the beginning of a longer one
        cuts.append(Cut(number, phase, own.uniform(*MOMENTS[phase]), own))
    return cuts
