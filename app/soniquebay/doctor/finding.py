"""What a check has found."""

import os
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


def needs_root(sentence: str) -> Finding:
    """Return that a check could not be made because this user may not look."""
    return unknown(sentence, "This needs root: sudo soniquebay doctor")


def may_not_look(error: BaseException) -> bool:
    """Tell whether an error says only that this user may not look; root has no one to ask."""
    return isinstance(error, PermissionError) and os.geteuid() != 0


def unknown(sentence: str, remedy: str = "") -> Finding:
    """Return that a check could not be made."""
    return Finding("unknown", sentence, remedy)
