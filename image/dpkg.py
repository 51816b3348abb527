"""The packages of a Debian root, read from dpkg's status file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from debian.deb822 import Deb822


@dataclass(frozen=True)
class Package:
    """An installed binary package."""

    name: str
    version: str
    architecture: str
    source: str
    """Name of the source package that it was built from."""
    source_version: str


def installed_packages(status: str) -> Iterator[Package]:
    """Yield the installed packages of a status file, in its order."""
    for fields in Deb822.iter_paragraphs(status):
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, version = fields["Package"], fields["Version"]
        # "name (version)"; dpkg leaves out a version, and the whole field, that is the same
        source = re.match(r"(\S+)(?: \((\S+)\))?", fields.get("Source", name))
        source_name, source_version = source.groups() if source else (name, None)
        yield Package(name, version, fields["Architecture"], source_name, source_version or version)
