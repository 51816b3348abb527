"""Two analyses of one track on different processors are told from those of two tracks, value by value."""

import struct
from dataclasses import replace
from typing import Any

import pytest

from soniquebay.audio.feature_schema import ACOUSTIC_FINGERPRINT_HEADER, FEATURE_GROUPS, VECTOR_SIZE
from soniquebay.audio.sound_tags import SOUND_TAGS, SOUND_TAGS_VERSION
from soniquebay.library.similarity.agreement import Heard, differences

VECTOR = struct.pack(f"<{VECTOR_SIZE}f", *[0.5] * VECTOR_SIZE)


def tags(first: float, others: float = 0.5, version: int = SOUND_TAGS_VERSION) -> tuple[int, bytes]:
    return version, struct.pack(f"<{len(SOUND_TAGS)}e", first, *[others] * (len(SOUND_TAGS) - 1))


def fingerprint(*segments: tuple[float, bytes]) -> bytes:
    return b"".join(ACOUSTIC_FINGERPRINT_HEADER.pack(start, len(steps)) + steps for start, steps in segments)


STEPS = bytes(range(60))
PRINT = fingerprint((3.0, STEPS), (30.0, STEPS))
HEARD = Heard(VECTOR, tags(0.5), PRINT, 120.0, 0.8, "A minor")


def changed_bits(count: int) -> bytes:
    """Return `STEPS` with so many other bits."""
    return (int.from_bytes(STEPS) ^ ((1 << count) - 1)).to_bytes(len(STEPS))


@pytest.mark.parametrize(
    "change",
    [
        {}, {"sound_tags": tags(0.51)}, {"bpm": 120.1}, {"bpm_confidence": 0.81},
        {"sound_tags": tags(0.9, version=SOUND_TAGS_VERSION - 1)},  # of another model
        {"acoustic_fingerprint": fingerprint((3.01, changed_bits(5)), (30.0, STEPS[:-1]))},
    ],
)  # fmt: skip
def test_what_processors_differ_in_is_no_difference(change: dict[str, Any]) -> None:
    for pair in ((HEARD, replace(HEARD, **change)), (replace(HEARD, **change), HEARD)):
        assert differences(*pair) == ([], [])


@pytest.mark.parametrize(
    ("change", "wrong", "doubtful"),
    [
        ({"vector": bytes(len(VECTOR))}, list(FEATURE_GROUPS), []),
        ({"sound_tags": tags(0.6)}, ["sound tags"], []),
        ({"sound_tags": None}, ["sound tags"], []),
        ({"acoustic_fingerprint": fingerprint((3.0, changed_bits(60)), (30.0, STEPS))}, ["acoustic fingerprint"], []),
        ({"acoustic_fingerprint": fingerprint((4.0, STEPS), (30.0, STEPS))}, ["acoustic fingerprint"], []),
        ({"acoustic_fingerprint": fingerprint((3.0, STEPS[:-2]), (30.0, STEPS))}, ["acoustic fingerprint"], []),
        ({"acoustic_fingerprint": fingerprint((3.0, STEPS))}, ["acoustic fingerprint"], []),
        ({"acoustic_fingerprint": None}, ["acoustic fingerprint"], []),
        ({"bpm": 60.0}, [], ["tempo"]),
        ({"bpm_confidence": 0.2}, [], ["tempo"]),
        ({"bpm": None, "bpm_confidence": None}, [], ["tempo"]),
        ({"musical_key": "C major"}, [], ["key"]),
        ({"musical_key": None}, [], ["key"]),
    ],
)
def test_a_difference_in_one_value_is_told(change: dict[str, Any], wrong: list[str], doubtful: list[str]) -> None:
    for pair in ((HEARD, replace(HEARD, **change)), (replace(HEARD, **change), HEARD)):
        assert differences(*pair) == (wrong, doubtful)
