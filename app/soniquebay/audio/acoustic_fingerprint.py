"""The acoustic fingerprint of a track: by where its spectrum rises and falls, files of one recording are recognised.

After Haitsma and Kalker ("A Highly Robust Audio Fingerprinting System", ISMIR 2002): one bit for each pair of adjacent
bands and each step in time says whether the difference of their levels rises. Format and level change few of the bits.
Another take of a song changes half of them, though it sounds nearly the same.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.feature_schema import ACOUSTIC_FINGERPRINT_HEADER
from soniquebay.audio.spectra import FRAME_RATE_HZ, Float32Array, Spectra

STEP_FRAMES = 4
STEP_SECONDS = STEP_FRAMES / FRAME_RATE_HZ  # 93 ms
BITS = 8  # of a step, so a step is a byte
_WINDOW_FRAMES = 16  # which a step is the mean of: long, so that steps of two files need not be at the same instant
# Of 64 mel bands. The highest ones, above 7 kHz, are left out: lossy encoders remove them.
_EDGES_BANDS = (0, 4, 8, 13, 18, 23, 28, 34, 40, 46)
_SILENCE_POWER = 1e-4  # some 70 dB below a loud band: the noise of an encoder in a pause is no sound
_MIN_RISE = 0.01  # of the logarithm: where nothing changes, rounding would decide


def acoustic_fingerprint(segments: Iterable[tuple[float, Spectra]]) -> bytes:
    """Return the acoustic fingerprint of a track's segments, each with the second of the track at which it begins.

    It has a byte for each 93 ms, and six bytes for each segment: 330 bytes for a track of more than 36 seconds.
    """
    parts: list[bytes] = []
    for start, spectra in segments:
        steps = _steps(spectra.mel_power)
        parts += (ACOUSTIC_FINGERPRINT_HEADER.pack(start, len(steps)), steps)
    return b"".join(parts)


def _steps(mel_power: Float32Array) -> bytes:
    bands = np.stack([mel_power[:, a:b].mean(axis=1) for a, b in pairwise(_EDGES_BANDS)], axis=1)
    if bands.shape[0] < _WINDOW_FRAMES + STEP_FRAMES:
        return b""
    windows = np.lib.stride_tricks.sliding_window_view(bands, _WINDOW_FRAMES, axis=0)[::STEP_FRAMES].mean(axis=2)
    level = np.log(windows + _SILENCE_POWER)
    rises = np.diff(np.diff(level, axis=1), axis=0) > _MIN_RISE
    return np.packbits(rises, axis=1).tobytes()


def segments_of(data: bytes) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield the segments: where each begins, in seconds, and its bits, (steps, BITS), each 0 or 1."""
    place = 0
    while place < len(data):
        start, count = ACOUSTIC_FINGERPRINT_HEADER.unpack_from(data, place)
        place += ACOUSTIC_FINGERPRINT_HEADER.size
        yield start, np.unpackbits(np.frombuffer(data[place : place + count], np.uint8)[:, None], axis=1)
        place += count
