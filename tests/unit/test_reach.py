"""Which addresses may connect."""

import pytest

from soniquebay.reach import Reach, is_local, reach_of
from soniquebay.settings import from_environment
from soniquebay.sockets import UnixPeer

OWN = ("2001:db8:1:2::10", 80, 0, 0)


@pytest.mark.parametrize(
    ("address", "local"),
    [("127.0.0.1", True), ("192.168.1.1", True), ("10.0.0.1", True), ("172.31.255.255", True), ("172.32.0.0", False),
     ("169.254.7.7", True), ("fe80::1%eth0", True), ("fd00::1", True), ("fc00::1", True), ("::1", True),
     ("::ffff:192.168.1.1", True), ("::ffff:8.8.8.8", False), ("8.8.8.8", False), ("2001:4860::1", False),
     ("100.64.0.1", False),  # a provider's own network, and not the one at home
     ("192.0.2.1", False), ("2001:db8::1", False), ("64:ff9b::c0a8:101", False), ("fec0::1", False),
     ("255.255.255.255", False),
     ("", False), ("unix", False)],
)  # fmt: skip
def test_local_addresses(address: str, local: bool) -> None:
    assert is_local(address) is local
    assert Reach().allows((address, 1234), ("192.168.1.2", 80)) is local


@pytest.mark.parametrize(
    ("address", "own", "allowed"),
    [("2001:db8:1:2:9::1", OWN, True), ("2001:db8:1:3::1", OWN, False), ("2001:db8:1:2:9::1", ("10.0.0.1", 80), False),
     ("8.8.8.8", OWN, False), ("8.8.8.8", ("::ffff:8.8.8.7", 80), False), ("8.8.8.8", ("8.8.8.8", 80), True),
     ("2001:db8:1:2:9::1", None, False)],
)  # fmt: skip
def test_neighbours_with_global_addresses(address: str, own: object, allowed: bool) -> None:
    """Names as soniquebay.local lead to global IPv6 addresses too, and a machine reaches itself at any address."""
    assert Reach().allows((address, 1234), own) is allowed


def test_settings_add_networks() -> None:
    def allows(address: str, **settings: str) -> bool:
        variables = {f"SONIQUEBAY_{name}": value for name, value in settings.items()}
        return reach_of(from_environment(variables)).allows((address, 1234), ("192.168.1.2", 80))

    assert not allows("100.64.0.1", REACHABLE_FROM="local")
    assert allows("100.64.0.1", REACHABLE_FROM="100.64.0.0/10 2001:db8::/32")
    assert allows("192.168.1.1", REACHABLE_FROM="100.64.0.0/10")
    assert not allows("8.8.8.8", REACHABLE_FROM="100.64.0.0/10")
    assert allows("8.8.8.8", REACHABLE_FROM="anywhere")
    assert allows("2001:4860::1", REACHABLE_FROM="anywhere")
    assert allows("::ffff:8.8.8.8", REACHABLE_FROM="anywhere")
    assert allows("203.0.113.9", TRUSTED_PROXIES="203.0.113.9")


def test_users_of_the_machine_are_local_and_nobody_is_not() -> None:
    assert Reach().allows(UnixPeer("unix", 1000), "/run/soniquebay/control.sock")
    assert not Reach().allows(None, None)
    assert not Reach().allows((), ())


@pytest.mark.parametrize("text", ["everywhere", "anywhere local", "10.0.0.1/8", "10.0.0.1,10.0.0.2"])
def test_a_wrong_setting_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="SONIQUEBAY_REACHABLE_FROM"):
        from_environment({"SONIQUEBAY_REACHABLE_FROM": text})
