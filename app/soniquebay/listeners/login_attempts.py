"""How often somebody may try a password or the claim code: limits for each address and each user.

Each counter is a token bucket: some attempts at once, then one in each interval. Only failed attempts count. At an
address from which a user has signed in before, only those count that were made for this user at this very address: the
attempts of others do not keep the user out there.
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

MAX_COUNTERS = 10_000  # the oldest are forgotten first
IPV6_NETWORK_BITS = 64  # a household gets as many addresses as one network of this size has


@dataclass(frozen=True)
class Limit:
    """`burst` failed attempts at once, and then one each `interval_seconds`."""

    burst: int
    interval_seconds: float


ADDRESS_LIMIT = Limit(20, 30.0)
USER_AT_ADDRESS_LIMIT = Limit(5, 30.0)
USER_LIMIT = Limit(20, 60.0)  # at all addresses that are new to the user


class LoginAttempts:
    """The failed attempts of the last minutes, kept in memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # When each counter's bucket is full again (seconds on the clock).
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def seconds_to_wait(self, address: str, user: str, *, is_known: bool) -> float:
        """Return how long an attempt has to wait; 0 when it may be made now.

        `user`: the name that is tried, any text; "" where there is none. `is_known`: the user has signed in from this
        address before.
        """
        with self._lock:
            return max(self._wait(counter, limit) for counter, limit in _counters(address, user, is_known))

    def record_failure(self, address: str, user: str, *, is_known: bool) -> None:
        """Count a failed attempt."""
        with self._lock:
            now = self._clock()
            for counter, limit in _counters(address, user, is_known):
                self._full_at[counter] = max(self._full_at.get(counter, 0.0), now) + limit.interval_seconds
                self._full_at.move_to_end(counter)
            while len(self._full_at) > MAX_COUNTERS:
                self._full_at.popitem(last=False)

    def record_success(self, address: str, user: str) -> None:
        """Forget the failed attempts of a user at an address."""
        with self._lock:
            for is_known in (True, False):
                self._full_at.pop(_at_address(address, user, is_known), None)

    def _wait(self, counter: Hashable, limit: Limit) -> float:
        missing = self._full_at.get(counter, 0.0) - self._clock()
        # Rounded, so that sums of floats end at zero.
        return max(0.0, round(missing - (limit.burst - 1) * limit.interval_seconds, 3))


def _counters(address: str, user: str, is_known: bool) -> list[tuple[Hashable, Limit]]:
    counters: list[tuple[Hashable, Limit]] = [(_at_address(address, user, is_known), USER_AT_ADDRESS_LIMIT)]
    if not is_known:
        counters.append((network_of(address), ADDRESS_LIMIT))
        if user:
            counters.append((("user", user), USER_LIMIT))
    return counters


def _at_address(address: str, user: str, is_known: bool) -> Hashable:
    # All the machines of a household are in one IPv6 network, and one of them may be the attacker's.
    return ("known", address, user) if is_known else ("new", network_of(address), user)


def network_of(address: str) -> str:
    """Return what one client can hold: an IPv4 address, or an IPv6 network of `IPV6_NETWORK_BITS`."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, IPV6_NETWORK_BITS), strict=False))
    return str(ip)
