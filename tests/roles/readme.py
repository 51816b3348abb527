"""The table of variables in the README of a role, made from its argument specification.

`python -m tests.roles.readme` writes the tables anew.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from .playbook import ROLE_NAMES, ROLES, load

HEAD = "| variable | default | meaning |\n|---|---|---|\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")
MAX_DEFAULT_CHARACTERS = 60
SHARED = re.compile(r"\bsoniquebay_[a-z_]+\b")


def options(role: str) -> dict[str, dict[str, Any]]:
    """Return the options of a role's main entry point."""
    found: dict[str, dict[str, Any]] = load(ROLES / role / "meta/argument_specs.yml")["argument_specs"]["main"][
        "options"
    ]
    return found


def defaults(role: str) -> dict[str, Any]:
    """Return the defaults of a role."""
    found: dict[str, Any] = load(ROLES / role / "defaults/main.yml")
    return found


def shared_variables(role: str) -> list[str]:
    """Return the variables of the role soniquebay that a role reads and that can be set."""
    files = [path for part in ("defaults", "handlers", "tasks", "templates", "vars") for path in files_of(role, part)]
    names = {name for path in files for name in SHARED.findall(path.read_text())}
    return sorted(names & defaults("soniquebay").keys()) if role != "soniquebay" else []


def files_of(role: str, part: str) -> list[Path]:
    return [path for path in (ROLES / role / part).rglob("*") if path.is_file()]


def cell(text: str) -> str:
    return re.sub(r"\b[CV]\(([^)]*)\)", r"`\1`", text).replace("|", r"\|")


def default_cell(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "(required)"
    default = option["default"]
    text = default if isinstance(default, str) and default else json.dumps(default)
    return cell(f"`{text}`") if len(text) <= MAX_DEFAULT_CHARACTERS else "see `defaults/main.yml`"


def table(role: str) -> str:
    """Return the table of a role in Markdown."""
    rows = []
    for name, option in options(role).items():
        description = option["description"]
        text = description if isinstance(description, str) else " ".join(description)
        rows.append(f"| `{name}` | {default_cell(option)} | {cell(text)} |\n")
    shared = options("soniquebay")
    for name in shared_variables(role):
        rows.append(f"| `{name}` | {default_cell(shared[name])} | {cell(shared[name]['description'])} |\n")
    return HEAD + "".join(rows)


def readme(role: str) -> Path:
    return ROLES / role / "README.md"


def with_table(role: str) -> str:
    """Return the README of a role with its table as it has to be."""
    return TABLE.sub(lambda _: table(role), readme(role).read_text(), count=1)


if __name__ == "__main__":
    for name in ROLE_NAMES:
        readme(name).write_text(with_table(name))
