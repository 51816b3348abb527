"""The local ports of an emulated machine."""

from pathlib import Path

import pytest

from image.emulated.access import GUEST_PORTS, Access
from image.errors import ActionableError
from tests.support.stack import free_port


def access(ports: dict[str, int], folder: Path) -> Access:
    made = Access(ports)
    made.use_folder(folder)
    return made


def test_each_service_gets_a_port_and_keeps_it_at_the_next_start(tmp_path: Path) -> None:
    one = access({}, tmp_path)
    one.prepare()
    ports = dict(one.ports)
    assert len(set(ports.values())) == len(GUEST_PORTS)
    one.prepare()
    assert one.ports == ports


def test_one_port_is_not_given_to_two_services(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(ActionableError, match=f"Port {port} is in use"):
        access({"ssh": port, "http": port}, tmp_path).prepare()
