"""Whether two analyses can be those of one track, made on different processors. Without numpy, for the API."""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from soniquebay.audio.feature_schema import ACOUSTIC_FINGERPRINT_HEADER, FEATURE_GROUPS, VECTOR_SIZE
from soniquebay.audio.sound_tags import SOUND_TAGS
from soniquebay.library.similarity.sound_tags import Stored

# A processor without any vector instructions differs by 0.0034 at most. Similar tones of other pitch differ by 0.42.
MAX_RELATIVE_DIFFERENCE = 0.05
# Below it both are rounding errors, as the deviations of silence are.
MIN_DIFFERENCE = 0.001
MAX_PROBABILITY_DIFFERENCE = 0.05
MAX_SEGMENT_DIFFERENCE_SECONDS = 0.1
# Of the bits of a fingerprint, which another take of a song changes by half.
MAX_BITS_SHARE, MIN_BITS = 0.05, 8
MAX_BPM_DIFFERENCE, MAX_CONFIDENCE_DIFFERENCE = 0.5, 0.05


@dataclass(frozen=True, slots=True)
class Heard:
    """What an analysis has found, as it is stored."""

    vector: bytes
    """As `vectors.store` takes it."""
    sound_tags: Stored | None = None
    acoustic_fingerprint: bytes | None = None
    bpm: float | None = None
    bpm_confidence: float | None = None
    musical_key: str | None = None


class Differences(NamedTuple):
    """In what two analyses differ, in words."""

    wrong: list[str]
    """By more than processors do."""
    doubtful: list[str]
    """Where rounding decides if two answers are nearly as good: rarely, so not twice in a row."""


def differences(first: Heard, second: Heard) -> Differences:
    """Return in what two analyses differ. Raises ``struct.error`` for values of another size than those stored."""
    wrong = differing_groups(first.vector, second.vector)
    if _differ_in_sound_tags(first.sound_tags, second.sound_tags):
        wrong.append("sound tags")
    if _differ_in_fingerprint(first.acoustic_fingerprint or b"", second.acoustic_fingerprint or b""):
        wrong.append("acoustic fingerprint")
    doubtful = []
    if _differ(first.bpm, second.bpm, MAX_BPM_DIFFERENCE) or _differ(
        first.bpm_confidence, second.bpm_confidence, MAX_CONFIDENCE_DIFFERENCE
    ):
        doubtful.append("tempo")
    if first.musical_key != second.musical_key:
        doubtful.append("key")
    return Differences(wrong, doubtful)


def differing_groups(first: bytes, second: bytes) -> list[str]:
    """Return the groups of features in which two vectors differ by more than processors do.

    Both are vectors as `vectors.store` takes them. The difference of a group is that of its values as a Euclidean
    distance, relative to the longer of the two. Raises ``struct.error`` for a vector of another size.
    """
    layout = struct.Struct(f"<{VECTOR_SIZE}f")
    ours, theirs = layout.unpack(first), layout.unpack(second)
    found, begin = [], 0
    for group, size in FEATURE_GROUPS.items():
        a, b = ours[begin : begin + size], theirs[begin : begin + size]
        difference = math.dist(a, b)
        if difference > max(MAX_RELATIVE_DIFFERENCE * max(math.hypot(*a), math.hypot(*b)), MIN_DIFFERENCE):
            found.append(group)
        begin += size
    return found


def _differ(first: float | None, second: float | None, tolerance: float) -> bool:
    if first is None or second is None:
        return first is not second
    return abs(first - second) > tolerance


def _differ_in_sound_tags(first: Stored | None, second: Stored | None) -> bool:
    if first is None or second is None:
        return first is not second
    if first[0] != second[0]:
        return False  # they were stored before an upgrade, so they are of another model
    layout = struct.Struct(f"<{len(SOUND_TAGS)}e")
    pairs = zip(layout.unpack(first[1]), layout.unpack(second[1]), strict=True)
    return any(abs(a - b) > MAX_PROBABILITY_DIFFERENCE for a, b in pairs)


def _differ_in_fingerprint(first: bytes, second: bytes) -> bool:
    ours, theirs = list(_segments(first)), list(_segments(second))
    if len(ours) != len(theirs):
        return True
    bits = differing = 0
    for (start, steps), (other_start, other_steps) in zip(ours, theirs, strict=True):
        if abs(start - other_start) > MAX_SEGMENT_DIFFERENCE_SECONDS or abs(len(steps) - len(other_steps)) > 1:
            return True
        size = min(len(steps), len(other_steps))
        bits += 8 * size
        differing += (int.from_bytes(steps[:size]) ^ int.from_bytes(other_steps[:size])).bit_count()
    return differing > max(MAX_BITS_SHARE * bits, MIN_BITS)


def _segments(data: bytes) -> Iterator[tuple[float, bytes]]:
    """Yield where each segment of an acoustic fingerprint begins, in seconds, and its steps, a byte each."""
    place = 0
    while place < len(data):
        start, count = ACOUSTIC_FINGERPRINT_HEADER.unpack_from(data, place)
        place += ACOUSTIC_FINGERPRINT_HEADER.size
        yield start, data[place : place + count]
        place += count
