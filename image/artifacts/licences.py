"""Licences of Debian packages as SPDX expressions.

They are read from the packages' copyright files in the machine-readable format ("DEP-5"):
https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from debian.copyright import Copyright, NotMachineReadableError
from license_expression import Licensing, get_spdx_licensing

UNKNOWN = "NOASSERTION"

# The short names of the format that SPDX spells differently, except those without a version.
_SYNONYMS = {"expat": "MIT"}
_GNU_NAME = re.compile(r"(?P<family>[AL]?GPL|GFDL)(?P<invariants>-NIV)?-(?P<version>\d(?:\.\d)?)(?P<later>\+)?", re.I)
_WITH_EXCEPTION = re.compile(r"(?P<licence>.+?) with (?P<exception>.+?)(?: exception)?", re.I)
_OPERATOR = re.compile(r"\s+(and|or)\s+", re.I)
_GROUPING_OPERATOR = re.compile(r",\s+(and|or)\s+", re.I)

logging.getLogger("debian.copyright").setLevel(logging.ERROR)  # it warns about old addresses of the format


@dataclass(frozen=True)
class Licence:
    """The licence of a package as an SPDX expression; the reason in `comment` when it is unknown."""

    expression: str
    comment: str = ""


def read_licence(copyright_file: str) -> Licence:
    """Return the licences of all files of a source package, joined by AND.

    It is unknown unless each of them is on the SPDX licence list: many packages name a licence after themselves.
    """
    try:
        document = Copyright(copyright_file.splitlines())
        paragraphs: list[Any] = [document.header, *document.all_files_paragraphs()]  # whose fields have no types
        names = {" ".join(paragraph.license.synopsis.split()) for paragraph in paragraphs if paragraph.license}
    except NotMachineReadableError:
        return Licence(UNKNOWN, "Its copyright file is not machine-readable.")
    except ValueError as error:
        return Licence(UNKNOWN, f"Its copyright file cannot be parsed: {error}")
    expressions = {to_spdx(name) for name in names}
    if not names or None in expressions:
        listed = "; ".join(sorted(name or "(a text without a name)" for name in names))
        return Licence(UNKNOWN, f"Its copyright file names: {listed}")
    return Licence(_join(expression for expression in expressions if expression))


def _join(expressions: Iterable[str]) -> str:
    """Return the expressions joined by AND, each operand once and in the order of their names."""
    parsed = (_spdx_licensing().parse(expression) for expression in expressions)
    operands = sorted(set().union(*map(_and_operands, parsed)))
    if len(operands) > 1:
        operands = [f"({operand})" if " OR " in operand else operand for operand in operands]
    return " AND ".join(operands)


def _and_operands(expression: Any) -> set[str]:
    if isinstance(expression, _spdx_licensing().AND):
        return set().union(*map(_and_operands, expression.args))
    return {str(expression.render())}


@cache
def to_spdx(name: str) -> str | None:
    """Return the SPDX expression for a `License` field, or None when it names a licence that SPDX does not know.

    In the format, `and` binds stronger than `or`, as in SPDX, and a comma before either of them ends a group.
    """
    expression = ""
    for index, group in enumerate(_GROUPING_OPERATOR.split(name)):
        if index % 2:
            expression += f" {group} "
            continue
        parts = [part if position % 2 else _spdx_name(part) for position, part in enumerate(_OPERATOR.split(group))]
        if None in parts:
            return None
        expression += f"({' '.join(part for part in parts if part)})"
    return str(_spdx_licensing().parse(expression, validate=True, strict=True).render())


def _spdx_name(name: str) -> str | None:
    """Return the SPDX name of one licence, or of one with an exception."""
    if match := _WITH_EXCEPTION.fullmatch(name):
        licence, exception = _spdx_name(match["licence"]), match["exception"].lower()
        exception = _exceptions().get(exception) or _exceptions().get(f"{exception}-exception")
        return f"{licence} WITH {exception}" if licence and exception else None
    if match := _GNU_NAME.fullmatch(name):
        version = match["version"] if "." in match["version"] else f"{match['version']}.0"
        invariants = "-no-invariants" if match["invariants"] else ""
        name = f"{match['family']}-{version}{invariants}-{'or-later' if match['later'] else 'only'}"
    name = _SYNONYMS.get(name.lower(), name).lower()
    return _licences().get(name) or _licences().get(f"{name}.0")


@cache
def _spdx_licensing() -> Licensing:
    return get_spdx_licensing()


@cache
def _licences() -> dict[str, str]:
    """Return the names on the SPDX licence list by their lower case, which is how the format compares names."""
    return {name.lower(): name for name, is_exception in _spdx_names() if not is_exception}


@cache
def _exceptions() -> dict[str, str]:
    """Return the names on the SPDX list of exceptions by their lower case."""
    return {name.lower(): name for name, is_exception in _spdx_names() if is_exception}


def _spdx_names() -> list[tuple[str, bool]]:
    """Return the names on the SPDX lists, and whether they are of exceptions; license-expression has others as well."""
    symbols = _spdx_licensing().known_symbols.items()
    return [(name, symbol.is_exception) for name, symbol in symbols if not name.startswith("LicenseRef-")]
