"""A value that several roles need is written once, in the role soniquebay, and set in one place."""

from __future__ import annotations

import re

import pytest

from .playbook import ROLE_NAMES, ROLES, ROOT, load
from .rendering import OTHER_VALUES, rendered

DEFAULTS = load(ROLES / "soniquebay/defaults/main.yml")
FIXED = load(ROLES / "soniquebay/vars/main.yml")
# A value that is no other word's part: /var/lib/soniquebay is not /var/lib/soniquebay-secrets.
WORDS = {
    name: re.compile(rf"(?<![\w/-]){re.escape(value)}(?![\w-])")
    for name, value in (DEFAULTS | FIXED).items()
    if isinstance(value, str)
}
TEXTS = {
    path: path.read_text()
    for folder in (ROOT / "playbooks", *(ROLES / role for role in ROLE_NAMES if role != "soniquebay"))
    for path in folder.rglob("*")
    if path.suffix in {".yml", ".j2"}
}
# Roles whose files have the value.
USERS = {
    "soniquebay_music": {"services", "storage"},
    "soniquebay_root": {"base", "redis", "services"},
    "soniquebay_command": {"base", "redis", "services", "storage", "worker"},
    "soniquebay_redis_socket": {"redis", "services"},
    "soniquebay_http_port": {"base", "services"},
}


@pytest.mark.parametrize("name", WORDS)
def test_a_shared_value_is_written_once(name: str) -> None:
    assert [str(path) for path, text in TEXTS.items() if WORDS[name].search(text)] == []


def test_the_inventory_changes_a_shared_value_for_every_role() -> None:
    texts = {role: "\n".join(map(str, files.values())) for role, files in rendered()["other"].items()}
    assert OTHER_VALUES.keys() == DEFAULTS.keys() - {"soniquebay_live"}
    for name, value in OTHER_VALUES.items():
        assert {role for role, text in texts.items() if str(value) in text} == USERS[name], name
        if name in WORDS:
            assert {role for role, text in texts.items() if WORDS[name].search(text)} == set(), name


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_role_depends_on_what_it_shares(role: str) -> None:
    dependencies = load(ROLES / role / "meta/main.yml")["dependencies"]
    assert dependencies == ([] if role == "soniquebay" else [{"role": "soniquebay"}])
