"""The application reads what the role services writes to soniquebay.env."""

from __future__ import annotations

from pathlib import Path

import pytest

from soniquebay.settings import Settings, from_environment

from .rendering import OTHER_VALUES, rendered


def settings(host: str) -> Settings:
    text = rendered()[host]["services"]["/etc/soniquebay/soniquebay.env"]["content"]
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return from_environment(dict(line.split("=", 1) for line in lines))


def test_defaults() -> None:
    assert settings("default") == from_environment({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("music", (Path(str(OTHER_VALUES["soniquebay_music"])),)),
        ("redis", f"unix://{OTHER_VALUES['soniquebay_redis_socket']}"),
        ("url", f"http://localhost:{OTHER_VALUES['soniquebay_http_port']}"),
    ],
)
def test_other_values(name: str, value: object) -> None:
    assert getattr(settings("other"), name) == value
