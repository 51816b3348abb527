"""The musical key of a track: the major or minor key whose profile correlates best with its pitch classes."""

from collections.abc import Sequence

import numpy as np

from soniquebay.audio.feature_schema import MUSICAL_KEYS
from soniquebay.audio.spectra import Float32Array, concatenate_frames

# How well listeners found each semitone above the tonic to fit the key: Krumhansl and Kessler 1982.
_MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_MIN_CORRELATION = 0.45  # the music has no clear key below it
_MIN_RELATIVE_STRENGTH = 0.05  # of the strongest frame; weaker frames count as silent


def estimate_key(chroma_segments: Sequence[Float32Array]) -> str | None:
    """Return one of `MUSICAL_KEYS`, or None for noise, drums or silence.

    `chroma_segments` holds the chroma of each segment, (frames, 12), from C. The method is Krumhansl and Schmuckler's
    (Krumhansl 1990): the key with the highest Pearson correlation between the pitch classes and its profile. It differs
    in its input: the pitch classes are the mean over all frames that are not silent, each normalised to a sum of 1 and
    reduced by its median, so that loud frames do not count more and noise does not count at all.
    """
    chroma = concatenate_frames(chroma_segments)
    strength = chroma.sum(axis=1)
    audible = strength > _MIN_RELATIVE_STRENGTH * strength.max(initial=0.0)
    if not audible.any():
        return None
    frames = chroma[audible] / strength[audible, None]
    frames = np.maximum(0, frames - np.median(frames, axis=1, keepdims=True))
    pitch_classes = frames.mean(axis=0)
    if pitch_classes.std() < 1e-6:
        return None
    correlations = [
        np.corrcoef(pitch_classes, np.roll(profile, tonic))[0, 1]
        for profile in (_MAJOR_PROFILE, _MINOR_PROFILE)
        for tonic in range(12)
    ]
    best = int(np.argmax(correlations))
    return MUSICAL_KEYS[best] if correlations[best] >= _MIN_CORRELATION else None
