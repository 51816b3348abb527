"""The feature vector of a track, computed from its spectra and from what the learned model makes of it.

The values are raw statistics over all segments; `library/similarity/embedding.py` scales them by their distribution in
the library. `feature_schema.FEATURE_GROUPS` lists the groups.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from soniquebay.audio.feature_schema import (
    AUTOCORRELATION_LAGS,
    CEPSTRAL_COEFFICIENTS,
    FEATURE_GROUPS,
    MEL_BANDS,
    MODULATION_EDGES_HZ,
    ONSET_BANDS,
    STEREO_BANDS,
)
from soniquebay.audio.spectra import FRAME_RATE_HZ, Float32Array, Spectra, concatenate_frames

_MODULATION_FFT_FRAMES = 1024  # at least
_MIN_MODULATION_SECONDS = 2
_UNKNOWN_MODULATION = -3.0  # log10 of the floor


def feature_vector(segments: Sequence[Spectra], learned: Float32Array) -> Float32Array:
    """Return the feature vector of a track: float32 of shape (VECTOR_SIZE,), all values finite.

    `segments` holds at least one segment, of any length; `learned` is the group of this name, (LEARNED_VALUES,). The
    other groups and their sources:

    - mel-frequency cepstral coefficients: Davis and Mermelstein 1980. Coefficient 0, the loudness, is left out.
    - spectral flatness and onset strength: see `spectra.compute_spectra`.
    - side share: power of the side signal over that of side and middle, in each band and frame.
    - modulation spectrum: power of the Fourier transform of each band's onset strength, in bands of the modulation
      frequency; a coarse form of the rhythm patterns of Pampalk 2001 ("Islands of Music"), without his model of
      loudness.
    - onset autocorrelation: at lags that are spaced geometrically, divided by that at lag 0.
    - chroma DFT: magnitudes of the discrete Fourier transform over the 12 pitch classes of each frame (Bernardes et al.
      2016, "A multi-level tonal interval space"). Transposition changes only the phases, which are left out.
    """
    log_mel_segments = [np.log10(segment.mel_power + 1e-7) for segment in segments]
    log_mel = concatenate_frames(log_mel_segments)
    mfcc_segments = [part @ _dct_matrix() for part in log_mel_segments]
    mfcc = concatenate_frames(mfcc_segments)
    # Differences are taken inside each segment: the jump from one segment to the next is not music.
    mfcc_delta = concatenate_frames(
        [np.diff(part, axis=0) for part in mfcc_segments if part.shape[0] > 1]
        or [np.zeros((1, CEPSTRAL_COEFFICIENTS), np.float32)]
    )
    loudness = log_mel.mean(axis=1)
    loudness_change = concatenate_frames([np.diff(part.mean(axis=1)) for part in log_mel_segments])
    flatness = concatenate_frames([segment.flatness for segment in segments])
    side_share = _side_share(segments)
    onset = concatenate_frames([segment.onset_strength for segment in segments])
    onset_std = onset.std(axis=0) if onset.size else np.zeros(ONSET_BANDS)
    chroma = concatenate_frames([segment.chroma for segment in segments])
    chroma_dft = np.abs(np.fft.rfft(chroma / (chroma.sum(axis=1, keepdims=True) + 1e-9), axis=1))[:, 1:]
    level = float(np.sqrt(concatenate_frames([segment.mel_power for segment in segments]).mean()))
    values = {
        "loudness": [loudness.mean(), loudness.std(), _std(loudness_change)],
        "crest_factor": [np.log(max(segment.peak for segment in segments) + 1e-4) - np.log(level + 1e-4)],
        "mean_spectrum": (log_mel - loudness[:, None]).mean(axis=0).reshape(-1, 2).mean(axis=1),
        "mfcc_std": mfcc.std(axis=0),
        "mfcc_delta_std": mfcc_delta.std(axis=0),
        "side_share": np.sqrt(side_share.mean(axis=0)),
        "side_share_std": side_share.std(axis=0),
        "spectral_flatness": np.concatenate([flatness.mean(axis=0), flatness.std(axis=0)]),
        "onset_strength": np.log(np.concatenate([_mean_row(onset), onset_std]) + 1e-2),
        "modulation_spectrum": np.mean([_modulation_spectrum(s.onset_strength) for s in segments], axis=0),
        "onset_autocorrelation": np.mean([_autocorrelation(s.onset_strength) for s in segments], axis=0),
        "chroma_dft": chroma_dft.mean(axis=0),
        "learned": learned,
    }
    vector = np.concatenate([np.asarray(values[name], np.float32).ravel() for name in FEATURE_GROUPS])
    return np.asarray(np.nan_to_num(vector, posinf=0.0, neginf=0.0), np.float32)


def _mean_row(rows: Float32Array) -> Float32Array:
    return np.asarray(rows.mean(axis=0) if rows.shape[0] else np.zeros(rows.shape[1:]), np.float32)


def _std(values: Float32Array) -> float:
    return float(values.std()) if values.size else 0.0


def _dct_matrix() -> Float32Array:
    """Return the matrix of an orthonormal DCT-II without coefficient 0, (MEL_BANDS, CEPSTRAL_COEFFICIENTS)."""
    n, k = np.arange(MEL_BANDS)[:, None], np.arange(1, CEPSTRAL_COEFFICIENTS + 1)[None, :]
    return np.asarray(np.cos(np.pi * k * (2 * n + 1) / (2 * MEL_BANDS)) * np.sqrt(2 / MEL_BANDS), np.float32)


def _side_share(segments: Sequence[Spectra]) -> Float32Array:
    """Return the share of the side signal in the power, (frames, STEREO_BANDS), in [0, 1]; 0 for mono."""
    side = concatenate_frames([s.side_mel_power for s in segments])
    middle = concatenate_frames([s.mel_power[::2][: s.side_mel_power.shape[0]] for s in segments])
    side, middle = (power.reshape(power.shape[0], STEREO_BANDS, -1).sum(axis=2) for power in (side, middle))
    return np.asarray(side / (side + middle + 1e-9), np.float32)


def _modulation_spectrum(onset: Float32Array) -> Float32Array:
    """Return log10 of the modulation power, flat: for each modulation band the values of all onset bands."""
    count = len(MODULATION_EDGES_HZ) - 1
    frames = onset.shape[0]
    if frames < _MIN_MODULATION_SECONDS * FRAME_RATE_HZ:
        return np.full(ONSET_BANDS * count, _UNKNOWN_MODULATION, np.float32)
    size = max(_MODULATION_FFT_FRAMES, frames)
    windowed = (onset - onset.mean(axis=0)) * np.hanning(frames)[:, None]
    power = np.abs(np.fft.rfft(windowed, n=size, axis=0)) ** 2 / frames * (_MODULATION_FFT_FRAMES / size)
    frequency = np.fft.rfftfreq(size, 1 / FRAME_RATE_HZ)
    rows = [power[(frequency >= a) & (frequency < b)].sum(axis=0) for a, b in pairwise(MODULATION_EDGES_HZ)]
    return np.asarray(np.log10(np.stack(rows) + 1e-3).ravel(), np.float32)


def _autocorrelation(onset: Float32Array) -> list[float]:
    """Return the normalised autocorrelation of the onset strength over all bands, at AUTOCORRELATION_LAGS lags."""
    strength = onset.sum(axis=1)
    strength = strength - strength.mean() if strength.size else strength
    energy = float(strength @ strength) + 1e-9
    lags = np.maximum(1, np.round(np.geomspace(0.1, 2.0, AUTOCORRELATION_LAGS) * FRAME_RATE_HZ)).astype(int)
    return [float(strength[:-lag] @ strength[lag:]) / energy if lag < strength.size else 0.0 for lag in lags]
