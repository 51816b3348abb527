"""What goes out with the image, each file used as its reader would use it."""

from __future__ import annotations

import copy
import hashlib
import json
import lzma
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from spdx_tools.spdx.model import RelationshipType
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from image import artifacts, bootcheck, build, dpkg, learned_model, profile, release, web_page
from image.artifacts import bmap, imager, sbom
from image.artifacts.image_file import ImageFile, sha256
from image.bootcheck.card import Card
from image.build_root import BuildRoot
from image.errors import ActionableError
from image.package_listing import parse_listing
from image.paths import dist, source_epoch
from tests.support.built import PROFILE

MAX_COMPRESSED_BYTES = 350_000_000
SCHEMA = json.loads(Path(__file__).with_name("imager_manifest.schema.json").read_text())


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = tmp_path_factory.mktemp("signer") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    return key


@pytest.fixture(scope="session")
def published(image_file: Path, signer: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files by the end of their names, in a folder of their own: the signature is that of a key nobody keeps."""
    files = artifacts.publish(PROFILE, key=signer, into=tmp_path_factory.mktemp("published"))
    return {path.name.removeprefix(image_file.stem): path for path in files}


def test_everything_is_there(published: dict[str, Path]) -> None:
    assert set(published) == {
        *(".img.xz", ".img.xz.sha256", ".img.xz.sig", ".img.bmap", ".spdx.json", ".rpi-imager-manifest"),
        "soniquebay.svg",
    }


def test_packed_is_the_image_and_small(published: dict[str, Path], image_file: Path) -> None:
    packed = published[".img.xz"]
    assert packed.stat().st_size < MAX_COMPRESSED_BYTES
    digest = hashlib.sha256()
    with lzma.open(packed) as content:
        while block := content.read(2**22):
            digest.update(block)
    assert digest.hexdigest() == sha256(image_file)


def test_checksum_as_a_person_checks_it(published: dict[str, Path]) -> None:
    file = published[".img.xz.sha256"]
    subprocess.run(["sha256sum", "--check", "--strict", file.name], cwd=file.parent, check=True, capture_output=True)


def verify(packed: Path, signature: Path, signers: Path) -> int:
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "soniquebay", "-n", "file", "-s", str(signature)]
    with packed.open("rb") as content:
        return subprocess.run(command, stdin=content, capture_output=True, check=False).returncode


def test_signature_as_a_person_checks_it(published: dict[str, Path], signer: Path, tmp_path: Path) -> None:
    signers = tmp_path / "signers"
    signers.write_text(f"soniquebay {signer.with_suffix('.pub').read_text()}")
    assert verify(published[".img.xz"], published[".img.xz.sig"], signers) == 0
    assert verify(published[".img.bmap"], published[".img.xz.sig"], signers) != 0


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ActionableError, match="no key"):
        artifacts.publish(PROFILE, key=tmp_path / "missing")


# --- the block map ------------------------------------------------------------------------------------------------


def bmaptool(tools: BuildRoot, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = tools.native("python3.13", str(tools.root / "usr/bin/bmaptool"), *arguments)
    paths = {"PYTHONHOME": f"{tools.root}/usr", "PYTHONPATH": f"{tools.root}/usr/lib/python3/dist-packages"}
    environment = tools.environment(**paths, PYTHONDONTWRITEBYTECODE="1")
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def used_card(image_file: Path, tmp_path: Path) -> Path:
    """A card with what its owner had on it."""
    card = tmp_path / "card"
    block = os.urandom(2**20)
    with card.open("wb") as file:
        for _ in range(image_file.stat().st_size // len(block)):
            file.write(block)
    return card


def test_bmaptool_takes_the_map(published: dict[str, Path], image_file: Path, tmp_path: Path, tools: BuildRoot) -> None:
    target = tmp_path / "target"
    done = bmaptool(tools, "copy", "--bmap", str(published[".img.bmap"]), str(image_file), str(target))
    assert done.returncode == 0, done.stderr
    assert bootcheck.find_problems(target, tools) == []
    listed = re.search(r"MappedBlocksCount> (\d+)", published[".img.bmap"].read_text())
    assert listed is not None
    assert int(listed[1]) * bmap.BLOCK_BYTES < image_file.stat().st_size * 0.8  # or there would be no point


def test_a_card_that_was_used_before_is_as_good_as_new(
    published: dict[str, Path], image_file: Path, used_card: Path, tools: BuildRoot
) -> None:
    """bmaptool empties a file before it writes it, and so cannot show what stays on a card."""
    ranges = re.findall(r">\s*(\d+)-(\d+)\s*</Range>", published[".img.bmap"].read_text())
    with image_file.open("rb") as image, used_card.open("r+b") as card:
        for first, last in ranges:
            start, end = int(first) * bmap.BLOCK_BYTES, (int(last) + 1) * bmap.BLOCK_BYTES
            image.seek(start)
            card.seek(start)
            card.write(image.read(end - start))
    written, image_card = Card(used_card, tools), Card(image_file, tools)
    assert written.boot_files == image_card.boot_files
    assert written.read_text("/var/lib/dpkg/status") == image_card.read_text("/var/lib/dpkg/status")
    assert bootcheck.find_problems(used_card, tools) == []


def test_bmaptool_refuses_another_image(published: dict[str, Path], used_card: Path, tools: BuildRoot) -> None:
    target = used_card.with_name("target")
    done = bmaptool(tools, "copy", "--bmap", str(published[".img.bmap"]), str(used_card), str(target))
    assert done.returncode != 0
    assert "checksum" in done.stderr


def test_bmaptool_refuses_a_map_that_was_changed(
    published: dict[str, Path], image_file: Path, tmp_path: Path, tools: BuildRoot
) -> None:
    other = tmp_path / "other.bmap"
    other.write_text(published[".img.bmap"].read_text().replace("> 0-", "> 1-", 1))
    done = bmaptool(tools, "copy", "--bmap", str(other), str(image_file), str(tmp_path / "target"))
    assert done.returncode != 0
    assert "checksum" in done.stderr


# --- the bill of materials ----------------------------------------------------------------------------------------


def test_bill_of_materials_is_valid_and_whole(published: dict[str, Path], image_file: Path, tools: BuildRoot) -> None:
    document = parse_file(str(published[".spdx.json"]))
    assert validate_full_spdx_document(document) == []
    listed = {(package.spdx_id.split("-")[1], package.name, package.version) for package in document.packages}
    card = Card(image_file, tools)
    debian = {(one.name, one.version) for one in dpkg.installed_packages(card.read_text(sbom.STATUS_FILE))}
    assert len(debian) > 200
    # apt wrote the listing, and dpkg the status file
    assert {(name, version) for name, (version, _) in parse_listing(card.read_text(sbom.LISTING)).items()} == debian
    assert {(name, version) for kind, name, version in listed if kind == "deb"} == debian
    assert {(plain(name), version) for kind, name, version in listed if kind == "pypi"} == in_the_release() | {
        of_the_model()
    }
    on_the_page = {(package["name"], package["version"]) for package in web_page.bundled_packages()}
    assert {(name, version) for kind, name, version in listed if kind == "npm"} == on_the_page
    assert document.packages[0].checksums[0].value == sha256(image_file)
    contained = [one for one in document.relationships if one.relationship_type == RelationshipType.CONTAINS]
    assert len(contained) == len(document.packages) - 1


def test_each_package_has_the_address_of_its_vendor(published: dict[str, Path]) -> None:
    packages = json.loads(published[".spdx.json"].read_text())["packages"]
    debian = [package for package in packages if package["SPDXID"].startswith("SPDXRef-deb-")]
    addresses = {package["name"]: package["externalRefs"][0]["referenceLocator"] for package in debian}
    raspberrypi = {name for name, address in addresses.items() if address.startswith("pkg:deb/raspberrypi/")}
    assert {name for name, address in addresses.items() if address.startswith("pkg:deb/debian/")} == {
        *addresses
    } - raspberrypi
    assert ("raspi-firmware" in raspberrypi) == (PROFILE == "raspios")
    assert "bash" not in raspberrypi


def test_licences_are_those_of_the_copyright_files(published: dict[str, Path]) -> None:
    packages = json.loads(published[".spdx.json"].read_text())["packages"]
    debian = {package["name"]: package for package in packages if package["SPDXID"].startswith("SPDXRef-deb-")}
    known = [name for name, package in debian.items() if package["licenseDeclared"] != "NOASSERTION"]
    assert len(known) > len(debian) / 4  # the others name a licence that is not on the SPDX list, or are free text
    assert debian["libzstd1"]["licenseDeclared"] == "(BSD-3-Clause OR GPL-2.0-only) AND MIT AND Zlib"
    assert all("licenseComments" in package for name, package in debian.items() if name not in known)


def plain(name: str) -> str:
    """A Python package's name as all its spellings are compared."""
    return re.sub("[-_.]+", "-", name).lower()


def in_the_release() -> set[tuple[str, str]]:
    """Name and version of each Python package in the release archive, but for the application."""
    with tarfile.open(dist() / release.archive_name(release.version_of(release.APP))) as archive:
        folders = {Path(name).parent.name for name in archive.getnames() if name.endswith(".dist-info/METADATA")}
    found = {(plain(name), version) for name, version in (f.removesuffix(".dist-info").split("-") for f in folders)}
    assert len(found) > 30
    return found


def of_the_model() -> tuple[str, str]:
    """Name and version of the package from which the learned model comes."""
    origin = json.loads((learned_model.ensure() / learned_model.PACKAGE).read_text())
    return origin["name"], origin["version"]


def test_bill_of_materials_is_the_same_for_the_same_image(image_file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from image import build_root\n"
        "from image.artifacts import sbom; from image.artifacts.image_file import ImageFile\n"
        "from image.bootcheck.card import Card\n"
        "file = Path(sys.argv[1])\n"
        "print(sbom.make_sbom(ImageFile(file, sys.argv[2], '1', 0, 1, '0' * 64), Card(file, build_root.ensure())))"
    )
    one, other = (
        subprocess.run(
            [sys.executable, "-c", code, image_file, PROFILE],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    )
    assert one == other
    assert len(one) > 50_000


# --- the manifest -------------------------------------------------------------------------------------------------


@pytest.fixture
def entry(published: dict[str, Path]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(published[".rpi-imager-manifest"].read_text())
    return found


def test_manifest_is_valid_and_says_the_truth(
    entry: dict[str, Any], published: dict[str, Path], image_file: Path
) -> None:
    jsonschema.validate(entry, SCHEMA)
    image = entry["os_list"][0]
    packed = published[".img.xz"]
    assert image["url"] == packed.as_uri()
    assert image["icon"] == published["soniquebay.svg"].as_uri()
    assert (image["extract_size"], image["extract_sha256"]) == (image_file.stat().st_size, sha256(image_file))
    assert (image["image_download_size"], image["image_download_sha256"]) == (packed.stat().st_size, sha256(packed))
    assert image["init_format"] == profile.load(PROFILE).init_format


@pytest.mark.parametrize(
    "spoil",
    [
        lambda image: image.pop("devices"),
        lambda image: image.pop("extract_sha256"),
        lambda image: image.update(extract_size="1"),
        lambda image: image.update(init_format="cloud-init"),
        lambda image: image.update(devices=[]),
        lambda image: image.update(release_date="today"),
    ],
)
def test_the_schema_refuses(entry: dict[str, Any], spoil: Callable[[dict[str, Any]], object]) -> None:
    spoilt = copy.deepcopy(entry)
    spoil(spoilt["os_list"][0])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spoilt, SCHEMA)


def test_manifest_for_the_web(published: dict[str, Path], image_file: Path) -> None:
    epoch = source_epoch(*build.SOURCES)
    image = ImageFile(image_file, PROFILE, "1", epoch, 1, "0" * 64)
    made = json.loads(imager.make_manifest(image, published[".img.xz"], "https://example.org/soniquebay/"))
    jsonschema.validate(made, SCHEMA)
    assert made["os_list"][0]["url"] == f"https://example.org/soniquebay/{published['.img.xz'].name}"
    with pytest.raises(ActionableError, match="no web address"):
        imager.make_manifest(image, published[".img.xz"], "example.org")
