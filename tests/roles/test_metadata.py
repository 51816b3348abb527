"""What the roles say of themselves agrees with the project, and with each other."""

from __future__ import annotations

import tomllib

import pytest

from .playbook import ROLE_NAMES, ROLES, ROOT, load


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_role_has_the_licence_of_the_project(role: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert load(ROLES / role / "meta/main.yml")["galaxy_info"]["license"] == project["license"]


def test_the_licence_of_the_project_is_the_text_in_license() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "GPL-3.0-or-later"
    text = " ".join((ROOT / "LICENSE").read_text().split())
    assert text.startswith("GNU GENERAL PUBLIC LICENSE Version 3,")
