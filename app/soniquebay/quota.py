"""Counts of what is held at the same time, with limits: in all, of each client, of each IPv6 network."""

import ipaddress
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from soniquebay.listeners.login_attempts import network_of
from soniquebay.sockets import UnixPeer

Held = tuple[Hashable, ...]


@dataclass(frozen=True)
class Limits:
    """The most that may be held at the same time."""

    in_all: int
    of_client: int
    of_network: int
    """Of an IPv6 network (/64): one machine has all of its addresses."""


class Quota:
    """How much is held by whom. Not safe from several threads."""

    def __init__(self, limits: Limits, trusted_proxies: Iterable[str] = ()) -> None:
        """`trusted_proxies`: addresses and networks that speak for many clients, so that only the total counts."""
        self._limits = limits
        self._proxies = [ipaddress.ip_network(network) for network in trusted_proxies]
        self._held: Counter[Hashable] = Counter()

    def take(self, client: Any) -> Held | None:
        """Count one more of a client (`scope["client"]`); return what to give back. None: it holds too much, or all."""
        limits = self._limits_of(client)
        if any(self._held[key] >= limit for key, limit in limits.items()):
            return None
        self._held.update(limits.keys())
        return tuple(limits)

    def give_back(self, held: Held) -> None:
        """Count it no longer."""
        for key in held:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]

    def _limits_of(self, client: Any) -> dict[Hashable, int]:
        if isinstance(client, UnixPeer):
            # Apart from the total: strangers must not keep the machine's administrators out.
            return {client: self._limits.of_client}
        address = str(client[0]) if client else ""
        if self._is_proxy(address):
            return {"all": self._limits.in_all}
        network = network_of(address)
        limits: dict[Hashable, int] = {"all": self._limits.in_all, address: self._limits.of_client}
        return limits if network == address else {**limits, network: self._limits.of_network}

    def _is_proxy(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(ip in network for network in self._proxies)
