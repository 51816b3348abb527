"""The Camelot codes of musical keys, by which DJs tell which keys fit: a step on this wheel is a fifth.

8A is A minor and 8B its relative major, C. Next to each other fit; so do the two of one number.
"""

from soniquebay.audio.feature_schema import MUSICAL_KEYS

_HOURS = 12  # of the wheel
_HOUR_OF_C_MAJOR = 8
_SEMITONES_OF_A_FIFTH = 7
_RELATIVE_MAJOR_SEMITONES = 3  # above its minor key


def _code(key: int) -> str:
    """Return the code of the key at a place in `MUSICAL_KEYS`."""
    tonic, is_minor = key % _HOURS, key >= _HOURS
    major = tonic + _RELATIVE_MAJOR_SEMITONES * is_minor
    # Twelve fifths go through all tonics, so as many fifths lead from C to a tonic as semitones times seven.
    hour = (_HOUR_OF_C_MAJOR - 1 + major * _SEMITONES_OF_A_FIFTH) % _HOURS + 1
    return f"{hour}{'A' if is_minor else 'B'}"


CAMELOT_CODES = {key: _code(number) for number, key in enumerate(MUSICAL_KEYS)}
"""By musical key."""
KEYS_BY_CAMELOT_CODE = {code: key for key, code in CAMELOT_CODES.items()}
