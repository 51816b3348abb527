"""The vector of a track: how it sounds, from decoded samples alone.

Groups of statistics over all segments, each telling something of its own; the values are raw:
`library/similarity/embedding.py` weighs them by the library's own distribution.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from soniquebay.audio.feature_schema import BANDS, CEPSTRA, GROUPS, LAGS, MELS, STEREO, TEMPI
from soniquebay.audio.spectra import FRAME_RATE, Array, Spectra, together


def features(segments: Sequence[Spectra]) -> Array:
    """Return the vector of a track: `SIZE` float32 values, none of them NaN or infinite."""
    logs = [np.log10(s.mel + 1e-7) for s in segments]
    log = together(logs)
    cepstra = [part @ _dct() for part in logs]
    # Movement is taken inside each segment: the jump between two is not music.
    moves = together([np.diff(c, axis=0) for c in cepstra if c.shape[0] > 1] or [np.zeros((1, CEPSTRA), np.float32)])
    cepstrum = together(cepstra)
    loudness = log.mean(axis=1)
    change = together([np.diff(part.mean(axis=1)) for part in logs])
    flatness = together([s.flatness for s in segments])
    width = _width(segments)
    onset = together([s.onset for s in segments])
    harmony = together([s.chroma for s in segments])
    harmony = np.abs(np.fft.rfft(harmony / (harmony.sum(axis=1, keepdims=True) + 1e-9), axis=1))[:, 1:]
    rms = float(np.sqrt(together([s.mel for s in segments]).mean()))
    values = {
        "level": [loudness.mean(), loudness.std(), _std(change)],
        "crest": [np.log(max(s.peak for s in segments) + 1e-4) - np.log(rms + 1e-4)],
        "spectrum": (log - loudness[:, None]).mean(axis=0).reshape(-1, 2).mean(axis=1),
        "cepstrum": cepstrum.std(axis=0),
        "movement": moves.std(axis=0),
        "width": np.sqrt(width.mean(axis=0)),
        "width_change": width.std(axis=0),
        "flatness": np.concatenate([flatness.mean(axis=0), flatness.std(axis=0)]),
        "onset": np.log(np.concatenate([_mean(onset), onset.std(axis=0) if onset.size else np.zeros(BANDS)]) + 1e-2),
        "modulation": np.mean([_modulation(s.onset) for s in segments], axis=0),
        "pulse": np.mean([_pulse(s.onset) for s in segments], axis=0),
        "harmony": harmony.mean(axis=0),
    }
    vector = np.concatenate([np.asarray(values[name], np.float32).ravel() for name in GROUPS])
    return np.asarray(np.nan_to_num(vector, posinf=0.0, neginf=0.0), np.float32)


def _mean(rows: Array) -> Array:
    return np.asarray(rows.mean(axis=0) if rows.shape[0] else np.zeros(rows.shape[1:]), np.float32)


def _std(values: Array) -> float:
    return float(values.std()) if values.size else 0.0


def _dct() -> Array:
    n, k = np.arange(MELS)[:, None], np.arange(1, CEPSTRA + 1)[None, :]
    return np.asarray(np.cos(np.pi * k * (2 * n + 1) / (2 * MELS)) * np.sqrt(2 / MELS), np.float32)


def _width(segments: Sequence[Spectra]) -> Array:
    """Share of the sides in the power of each band and frame, 0 for mono."""
    side = together([s.side for s in segments])
    middle = together([s.mel[::2][: s.side.shape[0]] for s in segments])
    side, middle = (x.reshape(x.shape[0], STEREO, -1).sum(axis=2) for x in (side, middle))
    return np.asarray(side / (side + middle + 1e-9), np.float32)


def _modulation(onset: Array) -> Array:
    """Log power of each band's attacks in bands of the frequency at which they come back."""
    count = len(TEMPI) - 1
    if onset.shape[0] < 2 * FRAME_RATE:
        return np.full(BANDS * count, -3.0, np.float32)  # two seconds: too short to tell
    size = max(1024, onset.shape[0])
    beat = (onset - onset.mean(axis=0)) * np.hanning(onset.shape[0])[:, None]
    power = np.abs(np.fft.rfft(beat, n=size, axis=0)) ** 2 / onset.shape[0] * (1024 / size)
    f = np.fft.rfftfreq(size, 1 / FRAME_RATE)
    rows = [power[(f >= a) & (f < b)].sum(axis=0) for a, b in pairwise(TEMPI)]
    return np.asarray(np.log10(np.stack(rows) + 1e-3).ravel(), np.float32)


def _pulse(onset: Array) -> list[float]:
    strength = onset.sum(axis=1)
    strength = strength - strength.mean() if strength.size else strength
    energy = float(strength @ strength) + 1e-9
    lags = np.maximum(1, np.round(np.geomspace(0.1, 2.0, LAGS) * FRAME_RATE)).astype(int)
    return [float(strength[:-lag] @ strength[lag:]) / energy if lag < strength.size else 0.0 for lag in lags]
