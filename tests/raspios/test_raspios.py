"""The image of the profile raspios, built against a stand-in for the Raspberry Pi archive."""

from __future__ import annotations

import functools
import json
import os
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from image import base, bootcheck, build, paths, profile
from image.artifacts import sbom
from image.artifacts.image_file import ImageFile
from image.bootcheck.card import Card
from image.build_root import BuildRoot
from image.errors import ActionableError
from image.package_listing import parse_listing
from tests.support.built import tools

from . import archive

__all__ = ["tools"]


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def card(tools: BuildRoot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Card]:
    """The image, built from Debian's archive and the stand-in."""
    folder = tmp_path_factory.mktemp("archive")
    key = archive.make(folder, base.ensure(profile.load("debian"), tools), tools)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        # not in dist/, from where it might be flashed: its kernel is a stand-in
        patch.setattr(paths, "DIST", tmp_path_factory.mktemp("dist"))
        patch.setenv("SONIQUEBAY_RASPBERRYPI_MIRROR", f"http://127.0.0.1:{server.server_address[1]}")
        patch.setenv("SONIQUEBAY_RASPBERRYPI_KEYRING", str(key))
        patch.setenv("SONIQUEBAY_WITHOUT", " ".join(archive.EXCLUDED_PACKAGES))
        yield Card(build.build("raspios"), tools)
    server.shutdown()
    server.server_close()


def test_it_has_no_problem(card: Card) -> None:
    assert bootcheck.find_problems(card.image, card.tools) == []


def test_the_packages_are_the_archives(card: Card) -> None:
    listing = parse_listing(card.read_text("/usr/share/soniquebay/packages.txt"))
    versions = {name: version for name, (version, _) in listing.items()}
    assert versions["raspi-firmware"].startswith("1:")
    assert versions["firmware-brcm80211"].endswith("+rpt1")
    assert versions["linux-image-rpi-v8"] == "1:6.12-1+rpt1"
    assert "linux-image-arm64" not in versions
    origins = {name: origin for name, (_, origin) in listing.items()}
    assert origins["raspi-firmware"] == origins["linux-image-rpi-v8"] == archive.ORIGIN
    assert set(origins.values()) == {"Debian", archive.ORIGIN}
    assert [name for name in archive.EXCLUDED_PACKAGES if name in versions] == []


def test_the_boot_partition_is_laid_out_as_on_raspberry_pi_os(card: Card) -> None:
    assert {"kernel8.img", "initramfs8", "start4.elf", "bcm2711-rpi-4-b.dtb", "config.txt", "cmdline.txt"} <= set(
        card.boot_files
    )
    assert not any(name.startswith(("vmlinuz", "initrd")) for name in card.boot_files)
    assert card.config.settings["arm_64bit"] == "1"
    assert card.config.initramfs == "initramfs8"
    words = card.command_line.split()
    assert {"console=serial0,115200", "console=tty1", "rootfstype=ext4", "fsck.repair=yes", "rootwait"} <= set(words)


def test_each_package_has_the_address_of_its_vendor(card: Card) -> None:
    image = ImageFile(card.image, "raspios", "1", 0, card.image.stat().st_size, "0" * 64)
    packages = json.loads(sbom.make_sbom(image, card))["packages"]
    addresses = {package["name"]: package["externalRefs"][0]["referenceLocator"] for package in packages[2:]}
    assert addresses["firmware-brcm80211"].startswith("pkg:deb/raspberrypi/firmware-brcm80211@1%3A20250410-2%2Brpt1?")
    assert addresses["bash"].startswith("pkg:deb/debian/bash@")


def test_the_archive_is_apts_second_source(card: Card) -> None:
    text = card.read_text("/etc/apt/sources.list.d/raspberrypi.sources")
    assert "URIs: http://archive.raspberrypi.com/debian\n" in text
    assert f"Signed-By: /{archive.KEYRING}\n" in text
    assert card.file_size(f"/{archive.KEYRING}") > 100
    assert "127.0.0.1" not in text


def test_without_its_keys_nothing_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONIQUEBAY_RASPBERRYPI_KEYRING", str(tmp_path / "missing"))
    with pytest.raises(ActionableError, match=r"keys of http://.* are missing") as problem:
        base.inputs_digest(profile.load("raspios"))
    assert "raspberrypi-archive-keyring" in problem.value.hint


def test_another_archive_is_another_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = tmp_path / "keys"
    keys.write_text("one")
    monkeypatch.setenv("SONIQUEBAY_RASPBERRYPI_KEYRING", str(keys))
    digests = {base.inputs_digest(profile.load("raspios"))}
    keys.write_text("two")
    digests.add(base.inputs_digest(profile.load("raspios")))
    monkeypatch.setenv("SONIQUEBAY_RASPBERRYPI_MIRROR", "http://example.org")
    digests.add(base.inputs_digest(profile.load("raspios")))
    monkeypatch.setenv("SONIQUEBAY_WITHOUT", "rpi-eeprom")
    digests.add(base.inputs_digest(profile.load("raspios")))
    assert len(digests) == 4
    assert os.environ["SONIQUEBAY_WITHOUT"] not in profile.load("raspios").packages
