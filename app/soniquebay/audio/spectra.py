"""Time and frequency: what features, tempo and key are all computed from, so that each transform is made once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.decode import RATE, Samples
from soniquebay.audio.feature_schema import BANDS, MELS

FRAME = 2048
HOP = 1024
FRAME_RATE = RATE / HOP  # frames a second
LOW_RATE = RATE // 4  # Hz, of the samples that the chroma is taken from
_TOP = 16000.0  # Hz; above, lossy encoders leave nothing
_LOW_FRAME = 4096  # 2.7 Hz a bin: neighbouring semitones are apart from 45 Hz
_LOW_HOP = 4096
_FLOOR = 1e-8

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Spectra:
    """One segment; `FRAME_RATE` frames a second, and the rows marked * half as many."""

    mel: Array  # (frames, MELS) power in mel bands of the middle (left + right)
    side: Array  # (frames/2, MELS) the same of left - right *
    flatness: Array  # (frames/2, 4) log of geometric over arithmetic mean in four bands *
    onset: Array  # (frames - 1, BANDS) rise of the log spectrum
    chroma: Array  # (chroma frames, 12) magnitude of each pitch class from C
    peak: float  # largest absolute sample of the middle


def spectra(samples: Samples) -> Spectra:
    """Transform a segment of any length."""
    middle = (samples[0] + samples[1]) * np.float32(0.5)
    power = _power(middle, FRAME, HOP)
    half = power[::2]
    side = _power((samples[0] - samples[1]) * np.float32(0.5), FRAME, 2 * HOP)
    filters = _mel_filters().T
    return Spectra(
        mel=power @ filters,
        side=side[: half.shape[0]] @ filters,
        flatness=_flatness(half),
        onset=_onset(power),
        chroma=_chroma(middle),
        peak=float(np.abs(middle).max(initial=0.0)),
    )


def _power(samples: Array, size: int, hop: int) -> Array:
    """Return power spectra, (frames, size/2 + 1); samples shorter than a frame are padded to one."""
    if samples.size < size:
        samples = np.pad(samples, (0, size - samples.size))
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    spectrum = np.fft.rfft(frames * _window(size), axis=1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


@cache
def _window(size: int) -> Array:
    return np.hanning(size).astype(np.float32)


@cache
def _mel_filters() -> Array:
    """Return triangular filters, `MELS` rows over the bins, evenly spaced in mel from 30 Hz, each of sum 1."""
    low, top = (2595 * np.log10(1 + f / 700) for f in (30.0, _TOP))
    edges = 700 * (10 ** (np.linspace(low, top, MELS + 2) / 2595) - 1)
    f = np.fft.rfftfreq(FRAME, 1 / RATE)[None, :]
    width = RATE / FRAME  # the lowest bands are narrower than a bin: each gets at least the bin it lies in
    centre = edges[1:-1, None]
    left = np.minimum(edges[:-2, None], centre - width)
    right = np.maximum(edges[2:, None], centre + width)
    filters = np.maximum(0, np.minimum((f - left) / (centre - left), (right - f) / (right - centre)))
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), np.float32)


def _flatness(power: Array) -> Array:
    """Noise or tone, in the bands from 65, 640, 2150 and 6460 to 16150 Hz."""
    logs = np.log(power + _FLOOR)
    edges = (3, 30, 100, 300, 750)
    return np.stack(
        [logs[:, a:b].mean(axis=1) - np.log(power[:, a:b].mean(axis=1) + _FLOOR) for a, b in pairwise(edges)],
        axis=1,
    )


def _onset(power: Array) -> Array:
    lines = np.sqrt(power[:, 1:]).reshape(power.shape[0], 64, -1).sum(axis=2)
    rise = np.maximum(0, np.diff(np.log1p(100 * lines), axis=0))
    return np.asarray(rise.reshape(rise.shape[0], BANDS, 64 // BANDS).sum(axis=2), np.float32)


def _chroma(middle: Array) -> Array:
    length = middle.size // 4 * 4
    low = middle[:length].reshape(-1, 4).mean(axis=1)
    power = _power(low, _LOW_FRAME, _LOW_HOP)
    heard, classes = _pitch_classes()
    return np.asarray(np.sqrt(power[:, heard]) @ classes, np.float32)


@cache
def _pitch_classes() -> tuple[NDArray[np.bool_], Array]:
    f = np.fft.rfftfreq(_LOW_FRAME, 1 / LOW_RATE)
    heard = (f > 55) & (f < 2100)
    semitones = 12 * np.log2(f[heard] / 440) + 9  # from C
    nearest = np.round(semitones)
    # What lies between two semitones belongs to neither.
    weight = np.cos(np.pi * (semitones - nearest)) ** 2
    classes = np.zeros((nearest.size, 12), np.float32)
    classes[np.arange(nearest.size), nearest.astype(int) % 12] = weight
    return heard, classes


def together(parts: Sequence[Array]) -> Array:
    """Return the frames of all segments as one array."""
    return np.concatenate(parts)
