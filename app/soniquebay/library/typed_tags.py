"""Stored tags with numbers as numbers."""

import re
from collections.abc import Mapping
from typing import Any

_FLOATS = frozenset(
    {"bpm", "replaygain_track_gain", "replaygain_track_peak", "replaygain_album_gain", "replaygain_album_peak"}
)
R128_GAINS = frozenset({"r128_track_gain", "r128_album_gain"})
_R128_STEPS_PER_DB = 256  # RFC 7845, section 5.2.1: Q7.8 in dB
_INTEGERS = frozenset({"rating", "play_count", "track_total", "disc_total", "movement_number", "movement_total"})
_FLAGS = frozenset({"compilation", "loved"})
_TYPED = _FLOATS | R128_GAINS | _INTEGERS | _FLAGS
_NUMBER = re.compile(r"\s*([+-]?\d{1,9}(?:[.,]\d{1,9})?)")
_TRUE = frozenset({"1", "true", "yes"})


def typed_tags(tags: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored tags with numbers as numbers: gains in dB, a rating from 0 to 100. Text stays as it is tagged.

    A value that should be a number and is none is left out.
    """
    typed = dict(tags)
    for name in tags.keys() & _TYPED:
        value = tags[name]
        first = value[0] if isinstance(value, list) else value
        if name in _FLAGS:
            typed[name] = str(first).lower() in _TRUE
            continue
        number = _number(str(first))
        if number is None:
            del typed[name]
        elif name in R128_GAINS:
            typed[name] = number / _R128_STEPS_PER_DB
        else:
            typed[name] = int(number) if name in _INTEGERS else number
    return typed


def _number(text: str) -> float | None:
    match = _NUMBER.match(text)
    return float(match[1].replace(",", ".")) if match else None
