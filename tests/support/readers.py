"""The quick readers beside the one that stands behind them."""

from collections import Counter
from pathlib import Path

from soniquebay.audio.reading import quick
from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.mutagen_reader import read_raw
from soniquebay.audio.reading.raw import RawContent

Outcomes = Counter[str]  # "same", "left" to the other reader, or "alone": the other one refuses the file

_MAX_DIFFERENCE_SECONDS = 0.001


def assert_same(path: Path) -> RawContent:
    """Fail unless the quick readers answer, and as the other one does."""
    answer = quick.read(str(path))
    assert answer is not None, "is left to mutagen"
    _assert_equal(answer, read_raw(str(path)))
    return answer


def outcome(path: Path) -> str:
    """Return what the quick readers do with a file; fail if they answer otherwise than the other one."""
    answer = quick.read(str(path))
    if answer is None:
        return "left"
    try:
        expected = read_raw(str(path))
    except UnreadableAudioError:
        return "alone"
    _assert_equal(answer, expected)
    return "same"


def _assert_equal(answer: RawContent, expected: RawContent) -> None:
    assert list(answer.tags.items()) == list(expected.tags.items())
    assert answer.latin1 == expected.latin1
    assert (answer.system, answer.has_picture, answer.fallbacks) == (
        expected.system, expected.has_picture, expected.fallbacks,
    )  # fmt: skip
    sound, right = answer.sound, expected.sound
    assert abs(sound.duration - right.duration) < _MAX_DIFFERENCE_SECONDS
    sound.duration = right.duration
    assert sound == right
