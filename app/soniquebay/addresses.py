"""Addresses at which browsers open the appliance: names, proxies in front of it, the base path, and URLs."""

import ipaddress
import re

# The first part of the public API's own paths: as a base path, nobody could tell which of both is meant.
OWN_PATHS = frozenset(
    {"api", "apps", "claim", "docs", "internal", "openapi.json", "rest", "sign-in", "sign-out"}
    | {"albums", "artists", "assets", "blend", "folders", "genres", "icon.svg", "machine", "manifest.webmanifest"}
    | {"map", "metrics", "playlists", "queue", "search", "settings"}
)
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_BASE_PATH = re.compile(r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~-]+)*")


def url_of(host: str, port: int, *, tls: bool) -> str:
    """Return the URL of a server, without a path and a default port. `host`: a name, or an address without brackets."""
    scheme, default = ("https", 443) if tls else ("http", 80)
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" if port == default else f"{scheme}://{host}:{port}"


def hosts(text: str) -> frozenset[str]:
    """Return the names in the value of SONIQUEBAY_HOSTS. Raises ``ValueError`` for what is none."""
    names = text.lower().split()
    for name in names:
        if not is_host_name(name):
            raise ValueError(
                f"SONIQUEBAY_HOSTS names {name}: it must be names as music.example.org, separated by spaces, without "
                "http:// and port"
            )
    return frozenset(names)


def is_host_name(text: str) -> bool:
    """Tell whether a text is a name that a machine may have, in small letters."""
    return _HOST_NAME.fullmatch(text) is not None


def networks(text: str) -> tuple[str, ...]:
    """Return the networks in the value of SONIQUEBAY_TRUSTED_PROXIES. Raises ``ValueError`` for what is none."""
    found = text.split()
    for network in found:
        if not _is_network(network):
            raise ValueError(
                f"SONIQUEBAY_TRUSTED_PROXIES names {network}: it must be addresses or networks as 192.168.1.5 or "
                "10.0.0.0/8, separated by spaces"
            )
    return tuple(found)


def reachable_from(text: str) -> tuple[str, ...]:
    """Return the networks in the value of SONIQUEBAY_REACHABLE_FROM. Raises ``ValueError`` for a wrong one."""
    words = text.split()
    if words == ["anywhere"]:
        return ("0.0.0.0/0", "::/0")
    found = tuple(word for word in words if word != "local")
    for network in found:
        if not _is_network(network):
            raise ValueError(
                f"SONIQUEBAY_REACHABLE_FROM names {network}: it must be local, networks as 100.64.0.0/10 or "
                "2001:db8:1::/48, separated by spaces, or anywhere alone"
            )
    return found


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def base_path(text: str) -> str:
    """Return the value of SONIQUEBAY_BASE_PATH without a slash at its end. Raises ``ValueError`` for a wrong one."""
    path = text.rstrip("/")
    if not _BASE_PATH.fullmatch(path):
        raise ValueError(
            f"SONIQUEBAY_BASE_PATH is {text!r}: it must be a path as /music, of letters, digits and the signs . _ ~ -"
        )
    if path and path.split("/")[1] in OWN_PATHS:
        raise ValueError(f"SONIQUEBAY_BASE_PATH is {text!r}: the appliance has paths of that name; choose another")
    return path


def flower_host(host: str, *, login: bool) -> str:
    """Return the address of Flower. Raises ``ValueError`` for one that others reach, without a login."""
    if login:
        return host or "0.0.0.0"  # noqa: S104 - every path asks for a login
    if host and not is_loopback(host):
        raise ValueError(
            f"SONIQUEBAY_FLOWER_HOST is {host!r}: without login everybody may do everything, so it must be 127.0.0.1"
        )
    return host or "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Tell whether an address or name means this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
