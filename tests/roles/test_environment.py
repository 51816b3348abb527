"""The application reads what the role services writes to soniquebay.env."""

from __future__ import annotations

from pathlib import Path

import pytest

from soniquebay.settings import Settings, from_environment

from .rendering import OTHER_VALUES, TLS_VALUES, rendered


def variables(host: str) -> dict[str, str]:
    text = rendered()[host]["services"]["/etc/soniquebay/soniquebay.env"]["content"]
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


def settings(host: str) -> Settings:
    return from_environment(variables(host))


def test_defaults() -> None:
    assert settings("default") == from_environment({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("music", (Path(str(OTHER_VALUES["soniquebay_music"])),)),
        ("redis", f"unix://{OTHER_VALUES['soniquebay_redis_socket']}"),
        ("http_port", OTHER_VALUES["soniquebay_http_port"]),
    ],
)
def test_other_values(name: str, value: object) -> None:
    assert getattr(settings("other"), name) == value


def test_niceness_of_the_child_processes() -> None:
    assert variables("default")["SONIQUEBAY_NICE"] == "10"


def test_tls() -> None:
    assert "SONIQUEBAY_TLS_CERTIFICATE" not in variables("default")
    own = settings("own")
    assert (own.tls, own.https_port, own.base_path) == ("own", 443, "")
    assert [str(own.tls_certificate), str(own.tls_key)] == [
        TLS_VALUES["own"]["services_tls_certificate"], TLS_VALUES["own"]["services_tls_key"],
    ]  # fmt: skip
    self_signed = settings("self-signed")
    assert (self_signed.tls, self_signed.https_port, self_signed.base_path) == ("self-signed", 8443, "/music")


def test_backups() -> None:
    assert "SONIQUEBAY_BACKUP_FOLDER" not in variables("default")
    chosen = settings("own").backup
    assert (chosen.keep, chosen.max_mb, str(chosen.folder), chosen.hour) == (5, 2000, "/mnt/stick", 4)
