"""The codes of the Camelot wheel."""

from soniquebay.audio.camelot import CAMELOT_CODES, KEYS_BY_CAMELOT_CODE
from soniquebay.audio.feature_schema import MUSICAL_KEYS


def test_the_wheel_is_that_of_djs() -> None:
    major = ["B", "F#", "C#", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E"]
    minor = ["Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"]
    wheel = {f"{hour}B": f"{tonic} major" for hour, tonic in enumerate(major, 1)}
    wheel |= {f"{hour}A": f"{tonic} minor" for hour, tonic in enumerate(minor, 1)}
    assert wheel == KEYS_BY_CAMELOT_CODE
    assert set(CAMELOT_CODES) == set(MUSICAL_KEYS)
