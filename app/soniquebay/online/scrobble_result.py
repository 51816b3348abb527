"""What became of plays that a service was told of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_MAX_MESSAGE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Result:
    """What a service has not taken of a batch, by the position of the play in it. It has taken all others."""

    ignored: Mapping[int, str] = field(default_factory=dict)
    """What it will never take, with the reason."""
    postponed: Mapping[int, str] = field(default_factory=dict)
    """What it may take later."""


def message_of(content: Mapping[str, Any], name: str) -> str:
    """Return a service's own words in a field of its answer, as one short line."""
    words = "".join(c if c.isprintable() else " " for c in str(content.get(name) or "no reason given"))
    return words[:_MAX_MESSAGE_CHARACTERS]
