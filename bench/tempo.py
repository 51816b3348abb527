"""At which confidence is an estimated tempo right?

    python -m bench.tempo [--pieces 1000]

The tempo of synthesised pieces is known (tests/support/synthetic_music.py). They are played between strictly and
freely, with many drums or none, beside notes that keep no time: all by chance, from the number of the piece. Right is
what differs by less than 4 % from the tempo, or from half, a third, twice or three times of it: people tap these, too.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from bench import report
from soniquebay.audio.spectra import compute_spectra
from soniquebay.audio.tempo import Tempo, estimate_tempo
from tests.support.synthetic_music import Playing, bpm_of, piece

TOLERANCE = 0.04
LEVELS = (1, 2, 3, 1 / 2, 1 / 3)
SEGMENTS, SEGMENT_SECONDS = 5, 6  # as the analysis hears a file
MAX_DEVIATION_SECONDS, MAX_STRAYS_PER_SECOND = 0.08, 6.0
WANTED_SHARE = 0.9
WINDOW_PIECES = 50  # whose share is taken at a confidence


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was found of a piece that has a tempo to the analysis."""

    confidence: float
    is_right: bool


def estimate(number: int) -> Estimate | None:
    """Return what is found of a piece; None if it has no tempo to the analysis."""
    chance = np.random.default_rng((number, 2))
    playing = Playing(
        deviation_seconds=chance.uniform(0, MAX_DEVIATION_SECONDS),
        drum_share=chance.uniform(0, 1),
        strays_per_second=chance.uniform(0, MAX_STRAYS_PER_SECOND),
    )
    samples = piece(number, SEGMENTS * SEGMENT_SECONDS, playing=playing).astype(np.float32)
    segments = np.split(samples, SEGMENTS, axis=1)
    tempo = estimate_tempo([compute_spectra(np.ascontiguousarray(segment)).mel_power for segment in segments])
    return Estimate(tempo.confidence, _is_right(tempo, bpm_of(number))) if tempo else None


def _is_right(tempo: Tempo, bpm: float) -> bool:
    return any(abs(tempo.bpm / (level * bpm) - 1) < TOLERANCE for level in LEVELS)


def threshold(found: Sequence[Estimate]) -> float:
    """Return the lowest confidence from which on every `WINDOW_PIECES` in order are right in `WANTED_SHARE`."""
    ordered = sorted(found, key=lambda one: one.confidence)
    right = np.array([one.is_right for one in ordered], float)
    shares = np.convolve(right, np.ones(WINDOW_PIECES), "valid") / WINDOW_PIECES
    wrong = np.flatnonzero(shares < WANTED_SHARE)
    return ordered[int(wrong[-1]) + 1 if wrong.size else 0].confidence


def main() -> None:
    """Measure, print, and write build/bench/tempo.json."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pieces", type=int, default=1000)
    given = options.parse_args()
    found = [one for number in range(given.pieces) if (one := estimate(number))]
    tenths = [[one.is_right for one in found if min(int(10 * one.confidence), 9) == tenth] for tenth in range(10)]
    report.table(
        f"Tempo of {given.pieces} pieces, {len(found)} of which have one to the analysis",
        ("confidence from", "pieces", "right"),
        [(f"{tenth / 10:.1f}", len(right), f"{np.mean(right):.0%}") for tenth, right in enumerate(tenths) if right],
    )
    sure = threshold(found)
    report.say(f"right in {WANTED_SHARE:.0%} from a confidence of {sure:.2f} on")
    report.save("tempo", {"pieces": given.pieces, "threshold": sure, "found": [asdict(one) for one in found]})


if __name__ == "__main__":
    main()
