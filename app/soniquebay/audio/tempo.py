"""The tempo of a track, from the autocorrelation of its onset strength."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.spectra import FRAME_RATE_HZ, Float32Array

MIN_BPM, MAX_BPM = 50.0, 205.0

_CANDIDATES = 400
_PRIOR_CENTRE_BPM = 120.0
_PRIOR_DEVIATION_OCTAVES = 0.9
_COMB_MULTIPLES = (1, 1, 1, 2, 3, 4)  # the period itself counts three times
_MIN_AUTOCORRELATION = 0.08  # the music has no beat below it
_CLEAR_PEAK = 0.5  # above the median of the autocorrelation at all candidates: drums alone, played evenly
_MIN_SEGMENT_SECONDS = 4.0
_MAX_LAG_SECONDS = 5.0


class Tempo(NamedTuple):
    """A tempo, and how clear it is."""

    bpm: float
    """Beats per minute, rounded to 0.1."""
    confidence: float
    """From 0 to 1, rounded to 0.01: how far the autocorrelation at the beat stands out from that at other lags."""


def estimate_tempo(mel_power_segments: Sequence[Float32Array]) -> Tempo | None:
    """Return the tempo, or None where the music has no clear beat.

    `mel_power_segments` holds the mel power of each segment, (frames, bands). Segments shorter than 4 s do not count.

    The autocorrelation of the onset strength is averaged over the segments. Each candidate period is scored by a comb,
    which adds up the autocorrelation at its multiples (as in Davies and Plumbley 2007), less what the autocorrelation
    has at a half and a third of it. The score is multiplied by a log-normal prior around 120 BPM (Ellis 2007, "Beat
    Tracking by Dynamic Programming"). Together they resolve the octave: of the tempi at which the music
    repeats, the one that people would tap. It differs from both papers: the onset strength is the flux of magnitudes
    (Ellis takes decibels), strong fractions of the period count against it, a track has one tempo, and no beats are
    located.
    """
    segments = [_autocorrelation(_onset_strength(mel_power)) for mel_power in mel_power_segments]
    usable = [segment for segment in segments if segment is not None]
    if not usable:
        return None
    shortest = min(segment.size for segment in usable)
    autocorrelation = np.mean([segment[:shortest] for segment in usable], axis=0)
    bpm = np.geomspace(MIN_BPM, MAX_BPM, _CANDIDATES)
    period = 60.0 / bpm * FRAME_RATE_HZ
    lags = np.arange(autocorrelation.size)

    def at(lag: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.interp(lag, lags, autocorrelation)

    # The multiples distinguish one beat from three eighth notes, the fractions from two or three beats.
    comb = np.mean([at(multiple * period) for multiple in _COMB_MULTIPLES], axis=0)
    score = comb - 0.5 * np.maximum(0, np.maximum(at(period / 2), at(period / 3)))
    prior = np.exp(-0.5 * (np.log2(bpm / _PRIOR_CENTRE_BPM) / _PRIOR_DEVIATION_OCTAVES) ** 2)
    best = int(np.argmax(score * prior))
    peak = float(at(period[best : best + 1])[0])
    if peak < _MIN_AUTOCORRELATION:
        return None
    clearness = (peak - float(np.median(at(period)))) / _CLEAR_PEAK
    refined = _refined_bpm(autocorrelation, float(period[best]))
    return Tempo(round(float(refined), 1), round(min(max(clearness, 0.0), 1.0), 2))


def _onset_strength(mel_power: Float32Array) -> Float32Array:
    """Return the rectified spectral flux over all bands, (frames - 1,).

    It is that of magnitudes: logarithms, as in `spectra`, would make a hi-hat count as much as the drums.
    """
    return np.asarray(np.maximum(0, np.diff(np.sqrt(mel_power), axis=0)).sum(axis=1), np.float32)


def _autocorrelation(strength: Float32Array) -> NDArray[np.float64] | None:
    """Return the normalised autocorrelation by lag in frames, 1 at lag 0; None for a short or constant segment."""
    if strength.size < _MIN_SEGMENT_SECONDS * FRAME_RATE_HZ:
        return None
    centred = strength.astype(np.float64) - strength.mean()
    energy = float(centred @ centred)
    if energy < 1e-9:
        return None
    # By the Wiener-Khinchin theorem; padded to twice the length, so that the ends do not wrap around.
    size = 1 << int(np.ceil(np.log2(2 * strength.size)))
    spectrum = np.fft.rfft(centred, n=size)
    autocorrelation = np.fft.irfft(spectrum * spectrum.conj(), n=size)
    max_lag = int(min(_MAX_LAG_SECONDS * FRAME_RATE_HZ, strength.size * 0.75))
    # A longer lag has fewer pairs: divide each sum by their number (the unbiased estimate).
    pairs = strength.size - np.arange(max_lag)
    return np.asarray(autocorrelation[:max_lag] / energy * strength.size / pairs)


def _refined_bpm(autocorrelation: NDArray[np.float64], period: float) -> float:
    """Return the tempo of a period (frames), read from the peak at one, two and four times the period.

    A peak is located between frames by a parabola; at a multiple of the period the error that remains counts less.
    """
    for beats in (1, 2, 4):
        expected = period * beats
        low, high = round(expected - 2), round(expected + 2) + 1
        if low < 1 or high >= autocorrelation.size - 1:
            break
        top = low + int(np.argmax(autocorrelation[low:high]))
        before, peak, after = autocorrelation[top - 1], autocorrelation[top], autocorrelation[top + 1]
        if not (peak >= before and peak >= after):
            break
        curvature = before - 2 * peak + after
        period = (top + (0.5 * (before - after) / curvature if curvature < -1e-12 else 0.0)) / beats
    return float(60.0 * FRAME_RATE_HZ / period)
