"""What the network hears of a track: five patches of three seconds, as logarithmic mel spectra.

The network was trained at 16 kHz with 512 samples a frame, a hop of 256 and the mel scale of librosa 0.7. Here the same
spectra are computed straight from the decoded samples, with a frame and a hop of nearly the same duration.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.decode import SAMPLE_RATE_HZ, Samples
from soniquebay.audio.spectra import Float32Array

PATCHES = 5
PATCH_FRAMES = 187
BANDS = 96

_TRAINED_RATE_HZ = 16000
_TRAINED_FRAME_SAMPLES = 512
_TRAINED_HOP_SAMPLES = 256
_FRAME_SAMPLES = 1408  # 31.9 ms; a number that the Fourier transform is quick with
_MAX_HZ = _TRAINED_RATE_HZ / 2
_BINS = int(_MAX_HZ * _FRAME_SAMPLES / SAMPLE_RATE_HZ) + 2  # up to the first above _MAX_HZ
_HOP_SAMPLES = _TRAINED_HOP_SAMPLES * SAMPLE_RATE_HZ / _TRAINED_RATE_HZ  # 705.6; each frame begins at the nearest one
_STEP_SAMPLES = 3528  # five hops
_FIRST_STARTS = tuple(round(i * _HOP_SAMPLES) for i in range(round(_STEP_SAMPLES / _HOP_SAMPLES)))
_EXCERPT_SAMPLES = round((PATCH_FRAMES - 1) * _HOP_SAMPLES) + _FRAME_SAMPLES
_SLANEY_MEL_AT_1000_HZ = 15  # linear below, logarithmic above
_SLANEY_LOG_STEP = np.log(6.4) / 27
# The spectrum of a longer frame is larger. The factor and the one added to it are those of the training.
_POWER_FACTOR = 10000 * (_TRAINED_FRAME_SAMPLES / _FRAME_SAMPLES) ** 2


def patches(segments: Sequence[Samples]) -> Float32Array:
    """Return the patches of a track, (PATCHES, PATCH_FRAMES, BANDS), from its decoded segments, (2, samples) each.

    With five segments each patch is the middle of one. With fewer, the patches of a segment are spread evenly over it.
    A segment that is shorter than a patch is repeated. The level is left as it is, as it was in the training.
    """
    share = [len(part) for part in np.array_split(range(PATCHES), len(segments))]
    return _log_mel(
        np.stack(
            [
                _excerpt(segment, (i + 0.5) / count)
                for segment, count in zip(segments, share, strict=True)
                for i in range(count)
            ]
        )
    )


def _excerpt(segment: Samples, middle: float) -> Float32Array:
    """Return the middle signal around a place between 0 and 1, (_EXCERPT_SAMPLES,)."""
    last_start = segment.shape[1] - _EXCERPT_SAMPLES
    start = round(min(max(middle * segment.shape[1] - _EXCERPT_SAMPLES / 2, 0), max(last_start, 0)))
    part = segment[:, start : start + _EXCERPT_SAMPLES]
    return np.resize((part[0] + part[1]) * np.float32(0.5), _EXCERPT_SAMPLES)


def _log_mel(excerpts: Float32Array) -> Float32Array:
    """Return the spectra of excerpts, (n, _EXCERPT_SAMPLES) to (n, PATCH_FRAMES, BANDS).

    Frames that are a whole number of samples apart are a view of the excerpt. All excerpts use the same memory in turn,
    for new memory takes more time than the transform.
    """
    logs = np.empty((excerpts.shape[0], PATCH_FRAMES, BANDS), np.float32)
    windowed = np.empty((PATCH_FRAMES, _FRAME_SAMPLES), np.float32)
    # Any: the types of `rfft` know no complex64, which it writes.
    spectrum: Any = np.empty((PATCH_FRAMES, _FRAME_SAMPLES // 2 + 1), np.complex64)
    bins = spectrum[:, :_BINS]
    for excerpt, log in zip(excerpts, logs, strict=True):
        frames = np.lib.stride_tricks.sliding_window_view(excerpt, _FRAME_SAMPLES)
        for i, start in enumerate(_FIRST_STARTS):
            np.multiply(frames[start::_STEP_SAMPLES], _window(), out=windowed[i :: len(_FIRST_STARTS)])
        np.fft.rfft(windowed, axis=1, out=spectrum)
        power = bins.real**2 + bins.imag**2
        log[:] = np.log10(np.float32(_POWER_FACTOR) * (power @ _mel_filters()) + 1)
    return logs


@cache
def _window() -> Float32Array:
    """Return a periodic Hann window, (_FRAME_SAMPLES,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME_SAMPLES) / _FRAME_SAMPLES)).astype(np.float32)


@cache
def _mel_filters() -> Float32Array:
    """Return triangular filters of equal area, (_BINS, BANDS), on Slaney's mel scale (Auditory Toolbox, 1998)."""
    f = (np.arange(_BINS) * SAMPLE_RATE_HZ / _FRAME_SAMPLES)[:, None]
    edges = _slaney_hz(np.linspace(0, _SLANEY_MEL_AT_1000_HZ + np.log(_MAX_HZ / 1000) / _SLANEY_LOG_STEP, BANDS + 2))
    rising = (f - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - f) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2]), np.float32)


def _slaney_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * 1000 / _SLANEY_MEL_AT_1000_HZ
    logarithmic = 1000 * np.exp(_SLANEY_LOG_STEP * (mel - _SLANEY_MEL_AT_1000_HZ))
    return np.where(mel < _SLANEY_MEL_AT_1000_HZ, linear, logarithmic)
