"""Flower asks for its user and password, which are made on the device."""

import base64
from pathlib import Path

import pytest

from soniquebay.flower import ensure_password, is_authenticated, read_password


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_only_the_user_with_the_password_is_authenticated() -> None:
    assert is_authenticated(basic("soniquebay", "s3cret:ä"), "s3cret:ä")
    for header in ("", "Basic", "Basic !!!", "Bearer x", basic("soniquebay", ""), basic("admin", "s3cret:ä")):
        assert not is_authenticated(header, "s3cret:ä")


def test_a_password_is_made_once_and_never_empty(tmp_path: Path) -> None:
    path = tmp_path / "new" / "password"
    password = ensure_password(path)
    assert len(password) >= 16
    assert ensure_password(path) == password
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("\n")
    with pytest.raises(SystemExit, match="empty"):
        read_password(path)
