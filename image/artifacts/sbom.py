"""The bill of materials of an image, read from the image itself: SPDX 2.3 as JSON.

docs/decisions/0101-bill-of-materials.md says why our own code makes it.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import dpkg, learned_model, web_page
from ..bootcheck.card import Card
from ..errors import ActionableError
from ..package_listing import UNKNOWN_ORIGIN, parse_listing
from ..release import APP
from .image_file import ImageFile
from .licences import UNKNOWN, Licence, read_licence

STATUS_FILE = "/var/lib/dpkg/status"
LISTING = "/usr/share/soniquebay/packages.txt"
DOCUMENTATION = "/usr/share/doc"
LIBRARIES = "/opt/soniquebay/current/lib"
PAGE = f"{LIBRARIES}/{web_page.INSTALLED.relative_to(APP)}"
MODEL = f"{LIBRARIES}/{learned_model.INSTALLED.relative_to(APP)}"
# The namespace of a package URL is the vendor, by the `Origin` in the signed Release file of the archive.
VENDORS = {"Debian": "debian", "Raspberry Pi Foundation": "raspberrypi"}
DISTRIBUTION_VERSION = 13  # of Debian, and of what is made from it: trixie

Package = dict[str, Any]


def make_sbom(image: ImageFile, card: Card) -> str:
    """Return the document; it is the same for the same image.

    Raises `ActionableError` when the image lists no packages.
    """
    installed = [*_debian_packages(card), *_python_packages(card), _model(card), *_npm_packages(card)]
    packages = [_image_package(image), _application_package(image), *installed]
    image_id = packages[0]["SPDXID"]
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
            _relationship("SPDXRef-DOCUMENT", "DESCRIBES", image_id),
            *(_relationship(image_id, "CONTAINS", package["SPDXID"]) for package in packages[1:]),
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def spdx_id(kind: str, name: str) -> str:
    """Return an SPDX id, which consists of letters, digits, dots and dashes."""
    return f"SPDXRef-{kind}-{re.sub('[^A-Za-z0-9.]', '-', name.replace('+', 'plus'))}"


def debian_purl(package: dpkg.Package, origin: str) -> str | None:
    """Return the package URL of a Debian package, or None when the archive that it came from is unknown."""
    vendor = VENDORS.get(origin)
    if vendor is None:
        return None
    name, version = quote(package.name, safe=""), quote(package.version, safe="")
    return f"pkg:deb/{vendor}/{name}@{version}?arch={package.architecture}&distro={vendor}-{DISTRIBUTION_VERSION}"


def _relationship(element: str, kind: str, related: str) -> dict[str, str]:
    return {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related}


def _make_package(kind: str, name: str, version: str, purl: str | None = None, **fields: Any) -> Package:
    reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
    return {
        "SPDXID": spdx_id(kind, name),
        "name": name,
        "versionInfo": version,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
        **fields,
        **({"externalRefs": [reference]} if purl else {}),
    }


def _image_package(image: ImageFile) -> Package:
    return _make_package(
        "image",
        f"soniquebay-{image.profile}",
        image.version,
        primaryPackagePurpose="OPERATING-SYSTEM",
        packageFileName=image.path.name,
        checksums=[{"algorithm": "SHA256", "checksumValue": image.sha256}],
    )


def _application_package(image: ImageFile) -> Package:
    return _make_package("application", "soniquebay", image.version, licenseDeclared="GPL-3.0-or-later")


def _debian_packages(card: Card) -> Iterator[Package]:
    """Yield the installed packages; the licence of each is that of its whole source package."""
    packages = list(dpkg.installed_packages(card.read_text(STATUS_FILE)))
    if not packages:
        raise ActionableError("The image lists no installed Debian packages.")
    origins = {name: origin for name, (_, origin) in parse_listing(card.read_text(LISTING)).items()}
    with tempfile.TemporaryDirectory() as scratch:
        # all of it at once: debugfs takes a tenth of a second for a single file, and there are hundreds
        documentation = card.copy_folder(DOCUMENTATION, Path(scratch))
        for package in packages:
            licence = _read_licence(documentation, package.name)
            yield _make_package(
                "deb",
                package.name,
                package.version,
                debian_purl(package, origins.get(package.name, UNKNOWN_ORIGIN)),
                sourceInfo=f"built from: {package.source} {package.source_version}",
                licenseDeclared=licence.expression,
                **({"licenseComments": licence.comment} if licence.comment else {}),
            )


def _read_licence(documentation: Path, package: str) -> Licence:
    """Return the licence that a package's copyright file declares; the package's folder may be a link to another's."""
    path = (documentation / package / "copyright").resolve()
    if not path.is_relative_to(documentation.resolve()) or not path.is_file():
        return Licence(UNKNOWN, "It has no copyright file.")
    return read_licence(path.read_text(errors="replace"))


def _python_packages(card: Card) -> Iterator[Package]:
    """Yield the Python packages of the release, from their own metadata."""
    folders = sorted(name for name in card.list_folder(LIBRARIES) if name.endswith(".dist-info"))
    if not folders:
        raise ActionableError("The image lists no Python packages.")
    for folder in folders:
        fields = HeaderParser().parsestr(card.read_text(f"{LIBRARIES}/{folder}/METADATA"))
        licence = fields.get("License-Expression", UNKNOWN)
        yield _pypi_package(fields["Name"], fields["Version"], licence)


def _model(card: Card) -> Package:
    """Return the package from which the learned model comes."""
    origin = json.loads(card.read_text(f"{MODEL}/{learned_model.PACKAGE}"))
    comment = "The weights of one of its networks, none of its code."
    return _pypi_package(origin["name"], origin["version"], origin["licence"], comment=comment)


def _pypi_package(name: str, version: str, licence: str, **fields: Any) -> Package:
    purl = f"pkg:pypi/{re.sub('[-_.]+', '-', name).lower()}@{quote(version, safe='')}"
    return _make_package("pypi", name, version, purl, licenseDeclared=licence, **fields)


def _npm_packages(card: Card) -> Iterator[Package]:
    """Yield the npm packages that are part of the page."""
    for package in json.loads(card.read_text(f"{PAGE}/{web_page.PACKAGES}")):
        name, version = package["name"], package["version"]
        purl = f"pkg:npm/{quote(name, safe='/')}@{quote(version, safe='')}"
        yield _make_package("npm", name, version, purl, licenseDeclared=package["licence"])
