"""Pieces of music from a seed: chords, a melody and drums, so that no two seeds sound alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.support.sounds import Samples

Wave = NDArray[np.float64]

RATE_HZ = 44_100
_BPM = (70, 160)
_MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)


@dataclass(frozen=True, slots=True)
class Playing:
    """How a piece is played. As it stands, every note is on its beat, and seven of ten beats have a drum."""

    deviation_seconds: float = 0.0
    """Standard deviation of the time of a beat."""
    drum_share: float = 0.7
    strays_per_second: float = 0.0
    """Notes that keep no time."""


AS_WRITTEN = Playing()


def bpm_of(seed: int) -> float:
    """Return the tempo of a piece in beats a minute."""
    return float(np.random.default_rng(seed).uniform(*_BPM))


def piece(seed: int, seconds: float, tempo: float = 1.0, playing: Playing = AS_WRITTEN) -> Samples:
    """Return a piece, (2, samples) at `RATE_HZ`, full scale is 1; with another `tempo` it is another take of it."""
    chance, players = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    beat = 60 / chance.uniform(*_BPM) / tempo
    tonic = chance.integers(40, 60)
    mix = np.zeros((2, round(seconds * RATE_HZ)))
    brightness = chance.uniform(0.3, 0.9)
    for number in range(int(seconds / beat)):
        start = max(0, round((number * beat + players.normal(0, playing.deviation_seconds)) * RATE_HZ))
        if number % 4 == 0:
            root = chance.choice(len(_MINOR_SCALE))
            for step in (0, 2, 4):
                note = tonic + _MINOR_SCALE[(root + step) % 7]
                _add(mix, start, _note(note, 4 * beat, brightness / 2), chance.uniform(0.2, 0.8), 0.12)
        melody = tonic + 12 + _MINOR_SCALE[chance.choice(7)]
        _add(mix, start, _note(melody, beat * chance.choice([0.5, 1]), brightness), chance.uniform(0, 1), 0.2)
        if chance.random() < playing.drum_share:
            noise = chance.normal(size=round(0.1 * RATE_HZ)) * np.exp(-np.arange(round(0.1 * RATE_HZ)) / 900)
            _add(mix, start, noise, 0.5, 0.1)
    for _ in range(round(playing.strays_per_second * seconds)):
        note = _note(tonic + 12 + players.integers(24), players.uniform(0.1, 0.6), brightness)
        _add(mix, int(players.uniform(0, mix.shape[1] - note.size)), note, players.uniform(0, 1), 0.2)
    return np.asarray(0.7 * mix / np.abs(mix).max())


def _note(number: float, seconds: float, brightness: float) -> Wave:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    frequency = 440 * 2 ** ((number - 69) / 12)
    wave = sum(brightness**k * np.sin(2 * np.pi * frequency * (k + 1) * t) for k in range(8))
    return np.asarray(wave * np.minimum(1, 50 * t) * np.exp(-2 * t / seconds))


def _add(mix: Samples, start: int, sound: Wave, right: float, level: float) -> None:
    end = min(mix.shape[1], start + sound.size)
    for channel, share in enumerate((1 - right, right)):
        mix[channel, start:end] += level * share * sound[: end - start]
