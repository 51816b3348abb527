"""The vector of a track: how it sounds, from decoded samples alone.

Timbre (mel cepstrum), its movement, brightness, harmony (chroma) and rhythm (onset autocorrelation), each as statistics
over all segments. The values are raw; `library/similarity.py` weighs them by their spread in the library.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.decode import RATE, Samples

VERSION = 1  # raise it when a track's vector would come out otherwise
_FRAME = 2048
_HOP = 1024
_MELS = 40
_CEPSTRA = 20
_LAGS = 12
SIZE = 3 * _CEPSTRA + 8 + 12 + _LAGS

Array = NDArray[np.float32]


def features(segments: Sequence[Samples]) -> Array:
    """Return the vector of a track: `SIZE` float32 values, none of them NaN or infinite."""
    spectra = [_spectrogram(segment) for segment in segments]
    power = np.concatenate(spectra)
    mel = np.log(power @ _mel_filters().T + 1e-8)
    cepstra = mel @ _dct().T
    # Movement is taken inside each segment: the jump between two is not music.
    cuts = np.cumsum([s.shape[0] for s in spectra])[:-1]
    parts = np.split(cepstra, cuts)
    moves = [np.diff(p, axis=0) for p in parts if p.shape[0] > 1]
    movement = np.concatenate(moves) if moves else np.zeros((1, _CEPSTRA), np.float32)
    vector = np.concatenate(
        [
            cepstra.mean(axis=0),
            cepstra.std(axis=0),
            movement.std(axis=0),
            _brightness(power),
            _chroma(power),
            _rhythm(np.split(mel, cuts)),
        ]
    )
    return np.asarray(np.nan_to_num(vector, posinf=0.0, neginf=0.0), np.float32)


def _spectrogram(samples: Samples) -> Array:
    if samples.size < _FRAME:
        samples = np.pad(samples, (0, _FRAME - samples.size))
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP]
    spectrum = np.fft.rfft(frames * np.hanning(_FRAME).astype(np.float32), axis=1)
    return (np.abs(spectrum) ** 2).astype(np.float32)


@cache
def _frequencies() -> Array:
    return np.fft.rfftfreq(_FRAME, 1 / RATE).astype(np.float32)


@cache
def _mel_filters() -> Array:
    """Return triangular filters, `_MELS` rows over the bins, evenly spaced in mel from 30 Hz."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    low = 2595 * np.log10(1 + 30 / 700)
    edges = 700 * (10 ** (np.linspace(low, top, _MELS + 2) / 2595) - 1)
    f = _frequencies()[None, :]
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rise, fall = (f - left) / (centre - left), (right - f) / (right - centre)
    filters = np.maximum(0, np.minimum(rise, fall)) * (2 / (right - left))
    return np.asarray(filters, np.float32)


@cache
def _dct() -> Array:
    k, n = np.arange(_CEPSTRA)[:, None], np.arange(_MELS)[None, :]
    return np.asarray(np.cos(np.pi * k * (2 * n + 1) / (2 * _MELS)) * np.sqrt(2 / _MELS), np.float32)


def _brightness(power: Array) -> Array:
    """Mean and deviation of centroid, width, flatness and level; eight values."""
    f = _frequencies()
    total = power.sum(axis=1) + 1e-10
    centroid = power @ f / total
    width = np.sqrt(np.maximum(0, power @ (f * f) / total - centroid**2))
    flatness = np.exp(np.log(power + 1e-10).mean(axis=1)) / (total / power.shape[1])
    values = np.stack([centroid / 1000, width / 1000, flatness, np.log10(total)])
    return np.concatenate([values.mean(axis=1), values.std(axis=1)])


def _chroma(power: Array) -> Array:
    """Share of each of the twelve pitch classes between 60 and 2000 Hz."""
    f = _frequencies()
    heard = (f > 60) & (f < 2000)
    classes = np.round(12 * np.log2(f[heard] / 440)).astype(int) % 12
    energy = np.sqrt(power[:, heard]).mean(axis=0)
    chroma = np.bincount(classes, weights=energy, minlength=12)
    return np.asarray(chroma / (chroma.sum() + 1e-10), np.float32)


def _rhythm(mels: Sequence[Array]) -> Array:
    """Autocorrelation of the onset strength at `_LAGS` lags from 0.25 to 1.5 s: how strongly and fast it beats."""
    lags = np.geomspace(0.25, 1.5, _LAGS) * RATE / _HOP
    rows = []
    for mel in mels:
        onset = np.maximum(0, np.diff(mel, axis=0)).mean(axis=1)
        onset = onset - onset.mean() if onset.size else onset
        energy = float(onset @ onset) + 1e-10
        rows.append(
            [
                float(onset[:-lag] @ onset[lag:]) / energy if lag < onset.size else 0.0
                for lag in np.round(lags).astype(int)
            ]
        )
    return np.asarray(np.mean(rows, axis=0), np.float32)
