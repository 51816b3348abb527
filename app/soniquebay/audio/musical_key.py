"""Musical key: the major or minor scale whose profile the pitch classes fit best."""

from collections.abc import Sequence

import numpy as np

from soniquebay.audio.feature_schema import MUSICAL_KEYS
from soniquebay.audio.spectra import Array, together

# How well each degree of the scale fits a key, as listeners rated it: Krumhansl and Kessler 1982.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_CLEAR = 0.45  # correlation below which there is no key to speak of


def musical_key(chromas: Sequence[Array]) -> str | None:
    """Return one of `MUSICAL_KEYS`, from the chroma (frames, 12) of each segment; None for noise, drums or silence."""
    chroma = together(chromas)
    strength = chroma.sum(axis=1)
    heard = strength > 0.05 * strength.max(initial=0.0)
    if not heard.any():
        return None
    # Each frame counts alike, however loud; and a note above its frame's own floor, so that noise tells nothing.
    notes = chroma[heard] / strength[heard, None]
    notes = np.maximum(0, notes - np.median(notes, axis=1, keepdims=True))
    profile = notes.mean(axis=0)
    if profile.std() < 1e-6:
        return None
    scores = [np.corrcoef(profile, np.roll(scale, tonic))[0, 1] for scale in (_MAJOR, _MINOR) for tonic in range(12)]
    best = int(np.argmax(scores))
    return MUSICAL_KEYS[best] if scores[best] >= _CLEAR else None
