"""What can be known of a card without a Raspberry Pi: static checks of the image file, its boot partition above all.

An emulator starts the kernel by itself, so it never sees the firmware, the names in config.txt or the device tree that
a real board needs. Every image is checked by these rules when it is built, whatever its profile.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..build_root import BuildRoot
from ..errors import ActionableError
from . import layout, rootfs, startup
from .card import Card
from .rule import Rule

QUICK: tuple[Rule, ...] = (*layout.RULES, *startup.RULES, *rootfs.RULES)
RULES: tuple[Rule, ...] = (*QUICK, layout.file_systems)


def faults(image: Path, tools: BuildRoot, rules: Iterable[Rule] = RULES) -> list[str]:
    """Everything that would keep this image from starting a Raspberry Pi 4, one sentence each; empty when fit."""
    card = Card(image, tools)
    found: list[str] = []
    for rule in rules:
        try:
            found += rule(card)
        except ActionableError as problem:  # what one rule cannot read is a fault, and the others still have their say
            if str(problem) not in found:
                found.append(str(problem))
    return found


def require_fit(image: Path, tools: BuildRoot) -> None:
    """Raise an ActionableError that lists the faults, if there are any."""
    found = faults(image, tools)
    if found:
        lines = "\n".join(f"    {fault}" for fault in found)
        raise ActionableError(f"This image would not start a Raspberry Pi 4:\n{lines}", "Nothing was published.")
