"""Time-frequency transforms of one segment, from which features, tempo and key are computed.

Each transform is computed once and shared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.decode import SAMPLE_RATE_HZ, Samples
from soniquebay.audio.feature_schema import MEL_BANDS, ONSET_BANDS

FRAME_SAMPLES = 2048
HOP_SAMPLES = 1024
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP_SAMPLES

_MIN_MEL_HZ = 30.0
_MAX_MEL_HZ = 16000.0  # lossy encoders remove what lies above it
_CHROMA_DECIMATION = 4
_CHROMA_RATE_HZ = SAMPLE_RATE_HZ // _CHROMA_DECIMATION
_CHROMA_FRAME_SAMPLES = 4096  # a bin is 2.7 Hz wide, which separates semitones from 45 Hz up
_CHROMA_HOP_SAMPLES = 4096
_CHROMA_RANGE_HZ = (55, 2100)
_FLATNESS_EDGES_BINS = (3, 30, 100, 300, 750)  # 65, 640, 2150, 6460 and 16150 Hz
_ONSET_LINES = 64  # groups of 16 adjacent bins; each onset band adds up 8 of them
_POWER_FLOOR = 1e-8

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Spectra:
    """The transforms of one segment, float32.

    There are `FRAME_RATE_HZ` frames a second, and half as many where the shape says frames/2. Power is the squared
    magnitude of the Fourier transform of samples in [-1, 1], without normalisation.
    """

    mel_power: Float32Array  # (frames, MEL_BANDS), of the middle signal (left + right) / 2
    side_mel_power: Float32Array  # (frames/2, MEL_BANDS), of the side signal (left - right) / 2
    flatness: Float32Array  # (frames/2, 4), log of the flatness in four bands: near 0 for noise, far below for tones
    onset_strength: Float32Array  # (frames - 1, ONSET_BANDS)
    chroma: Float32Array  # (chroma frames, 12), magnitude of each pitch class, from C
    peak: float  # largest absolute sample of the middle signal


def compute_spectra(samples: Samples) -> Spectra:
    """Return the transforms of a segment, (2, samples) at `SAMPLE_RATE_HZ`; a short one is padded with silence.

    - Mel power: triangular filters on the mel scale 2595 log10(1 + f / 700) (O'Shaughnessy 1987).
    - Spectral flatness: geometric over arithmetic mean of the power in a band (Johnston 1988), as in MPEG-7's
      AudioSpectrumFlatness but with four wide bands.
    - Onset strength: spectral flux with half-wave rectification (Bello et al. 2005) of a spectrum in bands that is
      compressed by the logarithm (Böck, Krebs and Schedl 2012).
    - Chroma: Fujishima's pitch class profile (1999), of magnitudes in place of power.
    """
    middle = (samples[0] + samples[1]) * np.float32(0.5)
    power = _power_spectrum(middle, FRAME_SAMPLES, HOP_SAMPLES)
    every_other = power[::2]
    side = _power_spectrum((samples[0] - samples[1]) * np.float32(0.5), FRAME_SAMPLES, 2 * HOP_SAMPLES)
    filters = _mel_filters().T
    return Spectra(
        mel_power=power @ filters,
        side_mel_power=side[: every_other.shape[0]] @ filters,
        flatness=_log_flatness(every_other),
        onset_strength=_onset_strength(power),
        chroma=_chroma(middle),
        peak=float(np.abs(middle).max(initial=0.0)),
    )


def concatenate_frames(segments: Sequence[Float32Array]) -> Float32Array:
    """Return the frames of all segments as one array; each segment has its frames along the first axis."""
    return np.concatenate(segments)


def _power_spectrum(samples: Float32Array, size: int, hop: int) -> Float32Array:
    """Return the power spectra of Hann-windowed frames, (frames, size/2 + 1); at least one frame."""
    if samples.size < size:
        samples = np.pad(samples, (0, size - samples.size))
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    spectrum = np.fft.rfft(frames * _hann_window(size), axis=1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


@cache
def _hann_window(size: int) -> Float32Array:
    return np.hanning(size).astype(np.float32)


@cache
def _mel_filters() -> Float32Array:
    """Return triangular filters of sum 1, (MEL_BANDS, bins), evenly spaced in mel."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (_MIN_MEL_HZ, _MAX_MEL_HZ))
    edges = 700 * (10 ** (np.linspace(low, high, MEL_BANDS + 2) / 2595) - 1)
    f = np.fft.rfftfreq(FRAME_SAMPLES, 1 / SAMPLE_RATE_HZ)[None, :]
    bin_width = SAMPLE_RATE_HZ / FRAME_SAMPLES
    centre = edges[1:-1, None]
    # The lowest filters are narrower than a bin: widen them, so that each covers at least one.
    left = np.minimum(edges[:-2, None], centre - bin_width)
    right = np.maximum(edges[2:, None], centre + bin_width)
    filters = np.maximum(0, np.minimum((f - left) / (centre - left), (right - f) / (right - centre)))
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), np.float32)


def _log_flatness(power: Float32Array) -> Float32Array:
    logs = np.log(power + _POWER_FLOOR)
    return np.stack(
        [
            logs[:, a:b].mean(axis=1) - np.log(power[:, a:b].mean(axis=1) + _POWER_FLOOR)
            for a, b in pairwise(_FLATNESS_EDGES_BINS)
        ],
        axis=1,
    )


def _onset_strength(power: Float32Array) -> Float32Array:
    lines = np.sqrt(power[:, 1:]).reshape(power.shape[0], _ONSET_LINES, -1).sum(axis=2)
    flux = np.maximum(0, np.diff(np.log1p(100 * lines), axis=0))
    return np.asarray(flux.reshape(flux.shape[0], ONSET_BANDS, _ONSET_LINES // ONSET_BANDS).sum(axis=2), np.float32)


def _chroma(middle: Float32Array) -> Float32Array:
    length = middle.size // _CHROMA_DECIMATION * _CHROMA_DECIMATION
    decimated = middle[:length].reshape(-1, _CHROMA_DECIMATION).mean(axis=1)
    power = _power_spectrum(decimated, _CHROMA_FRAME_SAMPLES, _CHROMA_HOP_SAMPLES)
    in_range, weights = _pitch_class_weights()
    return np.asarray(np.sqrt(power[:, in_range]) @ weights, np.float32)


@cache
def _pitch_class_weights() -> tuple[NDArray[np.bool_], Float32Array]:
    """Return which bins count for the chroma, and the weight of each of these for each pitch class, (bins, 12)."""
    f = np.fft.rfftfreq(_CHROMA_FRAME_SAMPLES, 1 / _CHROMA_RATE_HZ)
    in_range = (f > _CHROMA_RANGE_HZ[0]) & (f < _CHROMA_RANGE_HZ[1])
    semitones = 12 * np.log2(f[in_range] / 440) + 9  # above C
    nearest = np.round(semitones)
    # A bin half-way between two semitones counts for neither.
    weight = np.cos(np.pi * (semitones - nearest)) ** 2
    weights = np.zeros((nearest.size, 12), np.float32)
    weights[np.arange(nearest.size), nearest.astype(int) % 12] = weight
    return in_range, weights
