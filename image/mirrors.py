"""The Debian mirror this machine already uses, read from its own apt configuration."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_CODENAMES = "bullseye|bookworm|trixie|forky|sid|oldstable|stable|testing|unstable"
_SUITE = re.compile(rf"^(?:{_CODENAMES})(?:-updates|-security|/updates)?$")
_OPTIONS = re.compile(r'^(Acquire::(?:https?::Proxy(?:::[^ ]+)?|Check-Valid-Until|Check-Date|Retries)) "([^"]+)";$')


@dataclass(frozen=True)
class Source:
    """One line, or one stanza, of apt's sources."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


@dataclass(frozen=True)
class Mirrors:
    """Where the packages of a suite come from."""

    main: str
    security: str

    def lines(self, suite: str, components: str) -> list[str]:
        """The sources of a root while it is built."""
        return [
            f"deb {self.main} {suite} {components}",
            f"deb {self.main} {suite}-updates {components}",
            f"deb {self.security} {suite}-security {components}",
        ]


DEBIAN = Mirrors("http://deb.debian.org/debian", "http://deb.debian.org/debian-security")
"""Debian's own, which the card is flashed with."""


def parse_list(text: str) -> Iterator[Source]:
    """One-line sources: deb [options] uri suite components."""
    for line in text.splitlines():
        found = re.match(r"^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+[^#\s]+)*)", line)
        if found:
            options, uri, suite, components = found.groups()
            signed = re.search(r"signed-by=(\S+)", options or "", re.IGNORECASE)
            yield Source(uri, (suite,), tuple(components.split()), signed[1] if signed else "")


def parse_deb822(text: str) -> Iterator[Source]:
    """Stanzas of a .sources file."""
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", bare):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        for uri in fields.get("uris", "").split():
            suites = tuple(fields.get("suites", "").split())
            yield Source(uri, suites, tuple(fields.get("components", "").split()), fields.get("signed-by", ""))


def choose(sources: Iterable[Source]) -> Mirrors:
    """The machine's mirrors of Debian itself; a vendor's repository under a Debian suite name is passed over."""
    best = {False: (0, DEBIAN.main), True: (0, DEBIAN.security)}
    for source in sources:
        suites = [suite for suite in source.suites if _SUITE.match(suite)]
        uri = _resolve(source.uri)
        if not suites or "main" not in source.components or not uri:
            continue
        host = uri.split("/")[2]
        score = 4 * ("debian-archive" in source.signed_by) + 2 * host.endswith("debian.org") + (not source.signed_by)
        for security in {suite.endswith(("-security", "/updates")) for suite in suites}:
            if score > best[security][0]:
                best[security] = (score, uri.rstrip("/"))
    return Mirrors(best[False][1], best[True][1])


def _resolve(uri: str) -> str:
    if uri.startswith("mirror+file:"):  # as on Debian's cloud images: a file with the addresses
        try:
            lines = Path("/" + uri.split(":", 1)[1].lstrip("/")).read_text().split()
        except OSError:
            return ""
        uri = lines[0] if lines else ""
    return uri if uri.startswith(("http://", "https://")) else ""


def configured(etc: Path = Path("/etc/apt")) -> Mirrors:
    """What to use on this machine; SONIQUEBAY_DEBIAN_MIRROR and _SECURITY_MIRROR say otherwise."""
    sources: list[Source] = []
    for file in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        if file.is_file():
            sources += parse_list(file.read_text(errors="replace"))
    for file in sorted((etc / "sources.list.d").glob("*.sources")):
        sources += parse_deb822(file.read_text(errors="replace"))
    found = choose(sources)
    return Mirrors(
        os.environ.get("SONIQUEBAY_DEBIAN_MIRROR") or found.main,
        os.environ.get("SONIQUEBAY_DEBIAN_SECURITY_MIRROR") or found.security,
    )


def parse_options(dump: str) -> list[str]:
    """Proxies and date checks out of `apt-config dump`, as apt options."""
    return [f'{found[1]} "{found[2]}"' for line in dump.splitlines() if (found := _OPTIONS.match(line))]


def apt_options() -> list[str]:
    """How this machine reaches its mirror, beside the address."""
    try:
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return []
    return parse_options(dump)
