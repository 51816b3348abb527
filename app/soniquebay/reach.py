"""Which addresses may connect to the ports of the appliance: those of the local network, unless a setting adds others.

IPv6 has no address translation in front of it, so a router without a firewall leads the whole internet to the ports.
See docs/decisions/0154-what-the-network-may-use-up.md.
"""

import ipaddress
from collections.abc import Iterable
from typing import Any

from soniquebay.settings import Settings
from soniquebay.sockets import UnixPeer

LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("127.0.0.0/8", "::1/128"),  # this machine
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),  # private (RFC 1918), unique local
        *("169.254.0.0/16", "fe80::/10"),  # link-local
    )
)
# Of an IPv6 network whose machines make their own addresses. A name as `soniquebay.local` leads to global ones, too.
LINK_PREFIX_BITS = 64
REFUSED = "a connection from %s is refused: it is not of the local network, see SONIQUEBAY_REACHABLE_FROM"  # in logs


class Reach:
    """Decides who may connect. It looks at the connection alone, and at no header that a proxy may have written."""

    def __init__(self, further: Iterable[str] = ()) -> None:
        """`further`: addresses and networks beside the local ones."""
        self._networks = (*LOCAL_NETWORKS, *map(ipaddress.ip_network, further))

    def allows(self, client: Any, own: Any) -> bool:
        """Tell whether a connection is accepted, by its two ends as sockets name them.

        `own`: the end at this machine. Who comes from the same IPv6 network, or from the very same address, is local.
        """
        if isinstance(client, UnixPeer):
            return True
        address = _address(client)
        if address is None:
            return False
        if any(address in network for network in self._networks):
            return True
        own_address = _address(own)
        return address == own_address or (
            isinstance(address, ipaddress.IPv6Address)
            and isinstance(own_address, ipaddress.IPv6Address)
            and address in ipaddress.IPv6Network((own_address, LINK_PREFIX_BITS), strict=False)
        )


def reach_of(settings: Settings) -> Reach:
    """Return who may connect to the ports. A trusted proxy may, wherever it is."""
    return Reach((*settings.reachable_from, *settings.trusted_proxies))


_LOCAL = Reach()


def is_local(address: str) -> bool:
    """Tell whether an address is of this machine or its local network."""
    return _LOCAL.allows((address, 0), None)


def _address(end: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address of an end, one of IPv4 also where it is written as one of IPv6; None when there is none."""
    try:
        address = ipaddress.ip_address(str(end[0]).partition("%")[0])
    except (ValueError, TypeError, IndexError):
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped
