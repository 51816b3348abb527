"""`soniquebay worker --join` on a machine that has joined before."""

from pathlib import Path

import click
import pytest

from soniquebay.cli.remote_worker import ensure_joined
from soniquebay.worker.remote import Credentials, read_credentials

JOINED = Credentials("desk", "192.0.2.1", 6380, "token")


def test_an_appliance_at_another_address_is_found_there(tmp_path: Path) -> None:
    JOINED.write(tmp_path)
    credentials, folder = ensure_joined("http://soniquebay.local:8080", None, None, tmp_path)
    assert (credentials.host, credentials.port, folder) == ("soniquebay.local", 6380, tmp_path)
    # The child processes read the file.
    assert read_credentials(tmp_path) == credentials
    written = (tmp_path / "worker.json").stat().st_ino
    ensure_joined("http://soniquebay.local", None, "desk", tmp_path)
    assert (tmp_path / "worker.json").stat().st_ino == written


def test_a_machine_does_not_join_twice(tmp_path: Path) -> None:
    JOINED.write(tmp_path)
    with pytest.raises(click.ClickException, match="has joined as desk already"):
        ensure_joined("http://192.0.2.1", "abcd-efgh-ijkm-npqr", None, tmp_path)
