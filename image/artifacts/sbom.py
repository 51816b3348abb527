"""The bill of materials of an image, read from the image itself: SPDX 2.3 as JSON."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.parser import HeaderParser
from typing import Any
from urllib.parse import quote

from ..bootcheck.card import Card
from ..errors import ActionableError
from .facts import Image

LIBRARIES = "/opt/soniquebay/current/lib"
UNKNOWN = "NOASSERTION"
Package = dict[str, Any]


def text(image: Image, card: Card) -> str:
    """The document; the same for the same image."""
    packages = [_image(image), _application(image), *_debian(card), *_python(card)]
    whole = packages[0]["SPDXID"]
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": image.path.name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{image.path.name}-{image.sha256}",
        "creationInfo": {
            "created": datetime.fromtimestamp(image.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: soniquebay-image-{image.version}"],
        },
        "packages": packages,
        "relationships": [
            _relation("SPDXRef-DOCUMENT", "DESCRIBES", whole),
            *(_relation(whole, "CONTAINS", package["SPDXID"]) for package in packages[1:]),
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def identifier(kind: str, name: str) -> str:
    """An SPDX id: letters, digits, dots and dashes."""
    return f"SPDXRef-{kind}-{re.sub('[^A-Za-z0-9.]', '-', name.replace('+', 'plus'))}"


def _relation(one: str, how: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other}


def _package(kind: str, name: str, version: str, **more: Any) -> Package:
    return {
        "SPDXID": identifier(kind, name),
        "name": name,
        "versionInfo": version,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
        **more,
    }


def _locator(purl: str) -> list[dict[str, str]]:
    return [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}]


def _image(image: Image) -> Package:
    checksum = {"algorithm": "SHA256", "checksumValue": image.sha256}
    more = {"primaryPackagePurpose": "OPERATING-SYSTEM", "packageFileName": image.path.name, "checksums": [checksum]}
    return _package("image", f"soniquebay-{image.profile}", image.version, **more)


def _application(image: Image) -> Package:
    return _package("application", "soniquebay", image.version, licenseDeclared="GPL-3.0-or-later")


def _debian(card: Card) -> list[Package]:
    """Installed packages, from dpkg's status file; their licences are in the image, in /usr/share/doc/*/copyright."""
    found = []
    for stanza in card.text("/var/lib/dpkg/status").split("\n\n"):
        fields = HeaderParser().parsestr(stanza)
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
        source = re.match(r"(\S+)(?: \((\S+)\))?", fields.get("Source", name))
        built = f"{source[1]} {source[2] or version}" if source else name
        purl = f"pkg:deb/debian/{quote(name, safe='')}@{quote(version, safe='')}?arch={architecture}&distro=debian-13"
        more = {"sourceInfo": f"built from: {built}", "externalRefs": _locator(purl)}
        found.append(_package("deb", name, version, **more))
    if not found:
        raise ActionableError("The image lists no installed Debian packages.")
    return found


def _python(card: Card) -> list[Package]:
    """Python packages of the release, from their own metadata."""
    found = []
    for folder in sorted(name for name in card.names(LIBRARIES) if name.endswith(".dist-info")):
        fields = HeaderParser().parsestr(card.text(f"{LIBRARIES}/{folder}/METADATA"))
        name, version = fields["Name"], fields["Version"]
        purl = f"pkg:pypi/{re.sub('[-_.]+', '-', name).lower()}@{quote(version, safe='')}"
        more = {"licenseDeclared": fields.get("License-Expression", UNKNOWN), "externalRefs": _locator(purl)}
        found.append(_package("pypi", name, version, **more))
    if not found:
        raise ActionableError("The image lists no Python packages.")
    return found
