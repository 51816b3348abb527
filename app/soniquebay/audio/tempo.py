"""Tempo: beats a minute, from the autocorrelation of the attacks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.spectra import FRAME_RATE, Array

SLOWEST, FASTEST = 50.0, 205.0  # beats a minute
_LIKELIEST = 120.0  # people tap most music near it
_SPREAD = 0.9  # octaves
_CLEAR = 0.08  # autocorrelation below which nothing beats
_LEAST = 4.0  # seconds


def tempo(mels: Sequence[Array]) -> float | None:
    """Return beats a minute, from the mel spectrum (frames, bands) of each segment; None where nothing beats.

    Of tempi an octave apart the one is taken that people would tap: near 120, and none whose half period beats as much.
    """
    rows = [row for mel in mels if (row := _autocorrelation(_attacks(mel))) is not None]
    if not rows:
        return None
    shortest = min(row.size for row in rows)
    acf = np.mean([row[:shortest] for row in rows], axis=0)
    bpm = np.geomspace(SLOWEST, FASTEST, 400)
    lag = 60.0 / bpm * FRAME_RATE
    places = np.arange(acf.size)

    def at(lags: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.interp(lags, places, acf)

    # All its multiples beat too, unlike those of three eighths; and half of it does not, unlike that of two beats.
    support = np.mean([at(n * lag) for n in (1, 1, 1, 2, 3, 4)], axis=0) - 0.5 * np.maximum(
        0, np.maximum(at(lag / 2), at(lag / 3))
    )
    prior = np.exp(-0.5 * (np.log2(bpm / _LIKELIEST) / _SPREAD) ** 2)
    best = int(np.argmax(support * prior))
    if at(lag[best : best + 1])[0] < _CLEAR:
        return None
    return round(float(_refined(acf, float(lag[best]))), 1)


def _attacks(mel: Array) -> Array:
    # Magnitudes, not logarithms: a hi-hat is not to count like the drums.
    return np.asarray(np.maximum(0, np.diff(np.sqrt(mel), axis=0)).sum(axis=1), np.float32)


def _autocorrelation(strength: Array) -> NDArray[np.float64] | None:
    if strength.size < _LEAST * FRAME_RATE:
        return None
    centred = strength.astype(np.float64) - strength.mean()
    energy = float(centred @ centred)
    if energy < 1e-9:
        return None
    size = 1 << int(np.ceil(np.log2(2 * strength.size)))
    spectrum = np.fft.rfft(centred, n=size)
    acf = np.fft.irfft(spectrum * spectrum.conj(), n=size)
    longest = int(min(5.0 * FRAME_RATE, strength.size * 0.75))
    # Fewer pairs at a longer lag: each is divided by how many there are.
    return np.asarray(acf[:longest] / energy * strength.size / (strength.size - np.arange(longest)))


def _refined(acf: NDArray[np.float64], lag: float) -> float:
    """Return beats a minute, read from the farthest of up to four beats, where a frame is the least part of the lag."""
    for beats in (1, 2, 4):
        about = lag * beats
        low, high = round(about - 2), round(about + 2) + 1
        if low < 1 or high >= acf.size - 1:
            break
        top = low + int(np.argmax(acf[low:high]))
        before, peak, after = acf[top - 1], acf[top], acf[top + 1]
        if not (peak >= before and peak >= after):
            break
        bend = before - 2 * peak + after
        lag = (top + (0.5 * (before - after) / bend if bend < -1e-12 else 0.0)) / beats
    return 60.0 * FRAME_RATE / lag
