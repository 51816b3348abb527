"""The Debian mirror that this machine already uses, read from its own apt configuration.

docs/decisions/0105-apt-sources.md says why no command of apt is used.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Deb822

_CODENAMES = "bullseye|bookworm|trixie|forky|sid|oldstable|stable|testing|unstable"
_SUITE = re.compile(rf"^(?:{_CODENAMES})(?:-updates|-security|/updates)?$")
_ONE_LINE = re.compile(
    r"^\s*deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>(?:\s+[^#\s]+)*)"
)
_SIGNED_BY = re.compile(r"signed-by=(\S+)", re.IGNORECASE)
_OPTIONS = re.compile(r'^(Acquire::(?:https?::Proxy(?:::[^ ]+)?|Check-Valid-Until|Check-Date|Retries)) "([^"]+)";$')


@dataclass(frozen=True)
class Source:
    """An archive in apt's sources: one line, or an address in a stanza."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


@dataclass(frozen=True)
class Mirrors:
    """The addresses of Debian's archive and of its security archive."""

    main: str
    security: str

    def lines(self, suite: str, components: str) -> list[str]:
        """Return the lines of sources.list for a root while it is built."""
        return [
            f"deb {self.main} {suite} {components}",
            f"deb {self.main} {suite}-updates {components}",
            f"deb {self.security} {suite}-security {components}",
        ]


DEBIAN = Mirrors("http://deb.debian.org/debian", "http://deb.debian.org/debian-security")
"""Debian's own addresses, which are also those on the card."""


def parse_one_line(text: str) -> Iterator[Source]:
    """Yield the sources of a .list file: deb [options] uri suite components."""
    for line in text.splitlines():
        if match := _ONE_LINE.match(line):
            signed_by = _SIGNED_BY.search(match["options"] or "")
            components = tuple(match["components"].split())
            yield Source(match["uri"], (match["suite"],), components, signed_by[1] if signed_by else "")


def parse_deb822(text: str) -> Iterator[Source]:
    """Yield the sources of a .sources file, except disabled ones."""
    for stanza in Deb822.iter_paragraphs(text):
        enabled = stanza.get("Enabled", "yes").lower() not in ("no", "false")
        if not enabled or "deb" not in stanza.get("Types", "").split():
            continue
        suites, components = (tuple(stanza.get(name, "").split()) for name in ("Suites", "Components"))
        for uri in stanza.get("URIs", "").split():
            yield Source(uri, suites, components, stanza.get("Signed-By", ""))


def choose(sources: Iterable[Source]) -> Mirrors:
    """Return the best mirrors of Debian itself. Other vendors have archives with suites of Debian's names.

    Debian's key counts most, then a host of debian.org, then the absence of `Signed-By`.
    """
    best = {False: (0, DEBIAN.main), True: (0, DEBIAN.security)}
    for source in sources:
        suites = [suite for suite in source.suites if _SUITE.match(suite)]
        uri = _resolve_uri(source.uri)
        if not suites or "main" not in source.components or not uri:
            continue
        host = uri.split("/")[2]
        score = 4 * ("debian-archive" in source.signed_by) + 2 * host.endswith("debian.org") + (not source.signed_by)
        for security in {suite.endswith(("-security", "/updates")) for suite in suites}:
            if score > best[security][0]:
                best[security] = (score, uri.rstrip("/"))
    return Mirrors(best[False][1], best[True][1])


def _resolve_uri(uri: str) -> str:
    """Return the address of a source, or an empty text when it is no web address.

    Debian's cloud images use mirror+file:, which names a file with addresses.
    """
    if uri.startswith("mirror+file:"):
        try:
            addresses = Path("/" + uri.split(":", 1)[1].lstrip("/")).read_text().split()
        except OSError:
            return ""
        uri = addresses[0] if addresses else ""
    return uri if uri.startswith(("http://", "https://")) else ""


def configured(etc: Path = Path("/etc/apt")) -> Mirrors:
    """Return the mirrors of this machine's apt, or those of SONIQUEBAY_DEBIAN_MIRROR and _SECURITY_MIRROR."""
    sources: list[Source] = []
    for file in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        if file.is_file():
            sources += parse_one_line(file.read_text(errors="replace"))
    for file in sorted((etc / "sources.list.d").glob("*.sources")):
        sources += parse_deb822(file.read_text(errors="replace"))
    mirrors = choose(sources)
    return Mirrors(
        os.environ.get("SONIQUEBAY_DEBIAN_MIRROR") or mirrors.main,
        os.environ.get("SONIQUEBAY_DEBIAN_SECURITY_MIRROR") or mirrors.security,
    )


def parse_options(dump: str) -> list[str]:
    """Return the proxies and date checks in the output of `apt-config dump`, as options of apt."""
    return [f'{match[1]} "{match[2]}"' for line in dump.splitlines() if (match := _OPTIONS.match(line))]


def apt_options() -> list[str]:
    """Return how this machine's apt reaches its mirror: proxies, retries and date checks."""
    try:
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return []
    return parse_options(dump)
