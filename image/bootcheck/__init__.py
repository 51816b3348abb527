"""Static checks of a card image: whatever can be found out about it without a Raspberry Pi.

An emulator loads the kernel itself. So it never runs the firmware, and never uses the names in config.txt or the device
tree that a real board needs. Every image is checked by these rules when it is built, whatever its profile.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..build_root import BuildRoot
from ..errors import ActionableError
from . import layout, rootfs, startup
from .card import Card
from .rule import Rule

QUICK_RULES: tuple[Rule, ...] = (*layout.RULES, *startup.RULES, *rootfs.RULES)
RULES: tuple[Rule, ...] = (*QUICK_RULES, layout.check_file_systems)


def find_problems(image: Path, tools: BuildRoot, rules: Iterable[Rule] = RULES) -> list[str]:
    """Return a sentence for each problem that would keep the image from starting a Raspberry Pi 4."""
    card = Card(image, tools)
    problems: list[str] = []
    for rule in rules:
        try:
            problems += rule(card)
        except ActionableError as error:  # what one rule cannot read is a problem too; the other rules still run
            if str(error) not in problems:
                problems.append(str(error))
    return problems


def require_bootable(image: Path, tools: BuildRoot) -> None:
    """Raise `ActionableError` with the list of problems when the image has any."""
    problems = find_problems(image, tools)
    if problems:
        lines = "\n".join(f"    {problem}" for problem in problems)
        raise ActionableError(f"This image would not start a Raspberry Pi 4:\n{lines}", "Nothing was published.")
