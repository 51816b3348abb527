"""The bytes and names of a card image."""

import os
import struct
from pathlib import Path

import pytest

from image import base, cache, dpkg, package_listing, profile, release
from image.bootcheck.config import parse_config
from image.emulated import cloudinit
from image.errors import ActionableError
from image.partitions import ALIGNMENT_BYTES, FAT32_LBA, LINUX, Partition, make_mbr, read, round_up


def test_partition_table_as_a_reader_sees_it(tmp_path: Path) -> None:
    partitions = [Partition(FAT32_LBA, ALIGNMENT_BYTES, 512 * 2**20), Partition(LINUX, 520 * 2**20, 2 * 2**30)]
    sector = make_mbr(0x534E4242, partitions)
    assert len(sector) == 512
    assert struct.unpack_from("<I", sector, 440) == (0x534E4242,)
    assert struct.unpack_from("<II", sector, 446 + 8) == (16384, 1048576)
    image = tmp_path / "card.img"
    image.write_bytes(sector)
    assert read(image) == partitions


def test_a_file_without_a_table_is_refused(tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    image.write_bytes(b"\0" * 512)
    with pytest.raises(ActionableError, match="no partition table"):
        read(image)


def test_sizes_are_aligned() -> None:
    assert [round_up(size) for size in (1, ALIGNMENT_BYTES, ALIGNMENT_BYTES + 1)] == [
        ALIGNMENT_BYTES,
        ALIGNMENT_BYTES,
        2 * ALIGNMENT_BYTES,
    ]


def test_config_txt_as_the_firmware_reads_it() -> None:
    text = """
    # kernel=not-this
    kernel=vmlinuz-6.12   # Debian's
    [pi5]
    kernel=kernel_2712.img
    [all]
    initramfs initrd.img-6.12
    """
    found = parse_config(text)
    assert (found.kernel, found.initramfs) == ("vmlinuz-6.12", "initrd.img-6.12")


def test_customisation_has_a_key_and_no_password() -> None:
    files = cloudinit.files("soniquebay", "ssh-ed25519 AAAA me\n")
    assert set(files) == {"user-data", "meta-data", "network-config"}
    assert files["user-data"].startswith("#cloud-config\n")
    assert '"ssh-ed25519 AAAA me"' in files["user-data"]
    assert '"lock_passwd": true' in files["user-data"]


def test_profile_of_debian() -> None:
    debian = profile.load("debian")
    assert {"raspi-firmware", "linux-image-arm64", "redis-server", "cloud-init"} <= set(debian.packages)
    assert len(set(debian.packages)) == len(debian.packages)
    with pytest.raises(ActionableError, match="no profile windows"):
        profile.load("windows")


def test_image_has_public_sources_only() -> None:
    text = base.debian_sources(profile.load("debian"))
    addresses = [line.split()[1] for line in text.splitlines() if line.startswith("URIs")]
    assert addresses == ["http://deb.debian.org/debian", "http://deb.debian.org/debian-security"]


def test_installed_packages_out_of_dpkg_status() -> None:
    status = (
        "Package: b\nStatus: install ok installed\nArchitecture: arm64\nVersion: 2\nDescription: x\n more: of it\n\n"
        "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n"
        "Package: c\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 3\n"
    )
    packages = sorted((package.name, package.version) for package in dpkg.installed_packages(status))
    assert packages == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ("b", "2")),
        ("Source: c\n", ("c", "2")),
        ("Source: c (1:7-1)\n", ("c", "1:7-1")),
    ],
)
def test_the_source_package_of_a_binary_package(source: str, expected: tuple[str, str]) -> None:
    status = f"Package: b\nStatus: install ok installed\n{source}Architecture: arm64\nVersion: 2\n"
    (package,) = dpkg.installed_packages(status)
    assert (package.source, package.source_version) == expected


def test_the_listing_has_version_and_origin_of_each_package() -> None:
    listing = "apt 3.0.3 Debian\nraspi-firmware 1:1.20250915-1 Raspberry Pi Foundation\n"
    assert package_listing.parse_listing(listing) == {
        "apt": ("3.0.3", "Debian"),
        "raspi-firmware": ("1:1.20250915-1", "Raspberry Pi Foundation"),
    }


def test_the_initramfs_holds_what_the_role_wants() -> None:
    assert {"virtio_blk", "usb_storage"} <= set(base.initramfs_modules())


def test_version_is_read_without_import(tmp_path: Path) -> None:
    (tmp_path / "soniquebay").mkdir()
    module = tmp_path / "soniquebay/__init__.py"
    module.write_text('raise SystemExit\n__version__ = "9.8.7"\n')
    assert release.version_of(tmp_path) == "9.8.7"
    module.write_text("")
    with pytest.raises(ActionableError, match="__version__"):
        release.version_of(tmp_path)


def test_digest_sees_names_modes_and_content(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    seen = {cache.digest(tmp_path)}
    file.chmod(0o755)
    seen.add(cache.digest(tmp_path))
    file.write_text("2")
    seen.add(cache.digest(tmp_path))
    file.rename(tmp_path / "b")
    seen.add(cache.digest(tmp_path))
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/b.pyc").write_text("ignored")
    seen.add(cache.digest(tmp_path))
    assert len(seen) == 4


def test_cache_holds_nothing_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def fail(path: Path) -> None:
        path.write_text("half")
        raise ActionableError("no")

    with pytest.raises(ActionableError):
        cache.make("kind", "key", ".txt", fail)
    assert cache.find("kind", "key", ".txt") is None
    assert [path.name for path in (tmp_path / "soniquebay/kind").iterdir()] == [".lock"]


def test_cache_forgets_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keys = [f"entry {number}" for number in range(cache.MAX_ENTRIES + 1)]
    for age, key in enumerate(keys):
        entry = cache.make("kind", key, "", lambda path: path.mkdir())
        os.utime(entry, (1000 + age, 1000 + age))
    assert sorted(path.name for path in (tmp_path / "soniquebay/kind").glob("entry*")) == keys[1:]
    assert cache.find("kind", keys[0]) is None
