"""What a check has found."""

from typing import Literal, NamedTuple

State = Literal["ok", "wrong", "unknown"]


class Finding(NamedTuple):
    """One finding of one check."""

    state: State
    sentence: str
    remedy: str = ""
    """What to do; empty when nothing has to be done."""


def ok(sentence: str) -> Finding:
    """Return a finding that nothing is wrong."""
    return Finding("ok", sentence)


def wrong(sentence: str, remedy: str) -> Finding:
    """Return a finding that somebody has to do something about."""
    return Finding("wrong", sentence, remedy)


def unknown(sentence: str, remedy: str = "") -> Finding:
    """Return that a check could not be made."""
    return Finding("unknown", sentence, remedy)
