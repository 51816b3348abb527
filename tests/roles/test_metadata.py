"""What the roles say of themselves agrees with the project, and with each other."""

from __future__ import annotations

import tomllib

import pytest

from .playbook import ROLE_NAMES, ROLES, ROOT, load
from .readme import HEAD, defaults, options, readme, shared_variables, with_table


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_role_has_the_licence_of_the_project(role: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert load(ROLES / role / "meta/main.yml")["galaxy_info"]["license"] == project["license"]


def test_the_licence_of_the_project_is_the_text_in_license() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "GPL-3.0-or-later"
    text = " ".join((ROOT / "LICENSE").read_text().split())
    assert text.startswith("GNU GENERAL PUBLIC LICENSE Version 3,")


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_the_argument_specification_states_every_default(role: str) -> None:
    """As defaults/main.yml has it: an expression is the same text, which Ansible evaluates in both places."""
    stated = {name: option["default"] for name, option in options(role).items() if not option.get("required")}
    assert stated == defaults(role)


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_other_entry_points_state_no_other_default(role: str) -> None:
    for entry_point in load(ROLES / role / "meta/argument_specs.yml")["argument_specs"].values():
        for name, option in entry_point["options"].items():
            assert "default" not in option or option["default"] == defaults(role)[name]


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_the_readme_has_the_variables_of_the_argument_specification(role: str) -> None:
    """When this fails: python -m tests.roles.readme"""
    text = readme(role).read_text()
    assert HEAD in text
    assert text == with_table(role)


@pytest.mark.parametrize("role", [role for role in ROLE_NAMES if role != "soniquebay"])
def test_the_argument_specification_names_the_shared_variables_that_the_role_reads(role: str) -> None:
    description = load(ROLES / role / "meta/argument_specs.yml")["argument_specs"]["main"]["description"][-1]
    *first, last = shared_variables(role)
    names = f"{', '.join(first)} and {last}" if first else last
    assert description == f"Reads {names} of the role soniquebay."
