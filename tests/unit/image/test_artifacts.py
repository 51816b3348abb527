"""The parts of a release that need no image: maps of blocks, names, licences and addresses in a bill of materials."""

import pytest

from image import dpkg
from image.artifacts import bmap, sbom
from image.artifacts.licences import UNKNOWN, Licence, read_licence, to_spdx

FORMAT = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"


def test_blocks_in_use_are_those_not_listed_as_free() -> None:
    listing = (
        "Block count:              20\nBlock size:               4096\n\nGroup 0: (Blocks 0-9)\n"
        "  Free blocks: 3-4, 7\n  Free inodes: 12-20\nGroup 1: (Blocks 10-19)\n  Free blocks: 10-19\n"
    )
    used = [(0, 3 * 4096), (5 * 4096, 7 * 4096), (8 * 4096, 10 * 4096)]
    assert list(bmap.parse_used_blocks(listing)) == used
    assert list(bmap.parse_used_blocks(listing.replace("10-19\n", "\n")))[-1] == (8 * 4096, 20 * 4096)


def test_ranges_of_bytes_become_ranges_of_blocks() -> None:
    ranges = [(9000, 9001), (0, 1), (4096, 8192), (40960, 41000)]
    assert list(bmap.merge_into_blocks(ranges, 41000)) == [(0, 2), (10, 10)]
    assert list(bmap.merge_into_blocks([], 41000)) == []


def test_identifiers_are_valid_and_differ() -> None:
    assert sbom.spdx_id("deb", "libstdc++6") == "SPDXRef-deb-libstdcplusplus6"
    assert sbom.spdx_id("pypi", "a_b") == "SPDXRef-pypi-a-b"


def test_the_vendor_of_a_package_is_that_of_its_archive() -> None:
    package = dpkg.Package("libstdc++6", "1:1.2-3+rpt1", "arm64", "gcc-14", "1.2-3+rpt1")
    end = "libstdc%2B%2B6@1%3A1.2-3%2Brpt1?arch=arm64&distro="
    assert sbom.debian_purl(package, "Debian") == f"pkg:deb/debian/{end}debian-13"
    assert sbom.debian_purl(package, "Raspberry Pi Foundation") == f"pkg:deb/raspberrypi/{end}raspberrypi-13"
    assert sbom.debian_purl(package, "unknown") is None


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("Apache-2", "Apache-2.0"),
        ("GPL-2 with Linux-syscall-note exception", "GPL-2.0-only WITH Linux-syscall-note"),
        ("Apache-2.0 with LLVM exception", "Apache-2.0 WITH LLVM-exception"),
        ("GPL-2+ or ISC and Expat", "GPL-2.0-or-later OR (ISC AND MIT)"),
        ("GPL-2+ or ISC, and Expat", "(GPL-2.0-or-later OR ISC) AND MIT"),
    ],
)
def test_debians_names_of_licences_become_those_of_spdx(name: str, expression: str) -> None:
    assert to_spdx(name) == expression


@pytest.mark.parametrize(
    "name",
    ["", "public-domain", "GPL", "Artistic or GPL-1+", "GPL-9+", "GPL-2 with MIT exception", "and", "(", "or MIT"],
)
def test_names_that_spdx_does_not_have_are_unknown(name: str) -> None:
    assert to_spdx(name) is None


def test_all_licences_of_a_package_apply() -> None:
    text = f"""{FORMAT}
Files: *
Copyright: A
License: GPL-2+ or Expat
 Text.

Files: b
Copyright: B
License: ISC and Zlib

Files: c
Copyright: C
License: zlib

License: ISC
 Text.
"""
    assert read_licence(text) == Licence("(GPL-2.0-or-later OR MIT) AND ISC AND Zlib")


def test_a_licence_that_is_unknown_is_named() -> None:
    text = f"{FORMAT}\nFiles: *\nCopyright: A\nLicense: ISC\n\nFiles: b\nCopyright: B\nLicense: Beer\n"
    assert read_licence(text) == Licence(UNKNOWN, "Its copyright file names: Beer; ISC")


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("This is free software.\n", "not machine-readable"),
        (f"{FORMAT}\nFiles: *\nCopyright: A\nComment: one\nComment: two\nLicense: ISC\n", "cannot be parsed"),
    ],
)
def test_a_copyright_file_that_cannot_be_read_is_no_error(text: str, comment: str) -> None:
    licence = read_licence(text)
    assert licence.expression == UNKNOWN
    assert comment in licence.comment
