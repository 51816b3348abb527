"""A stand-in for the Raspberry Pi archive, which may be unavailable: signed, and with real files at the real paths.

Kernel, modules, device trees, firmware and Wi-Fi are Debian's own, packed again with the names, versions and paths of
the Raspberry Pi archive's packages. The hook that fills the boot partition is ours, and does what the real one does.
The kernel's version is changed in the kernel, so that it finds its modules' folder. The modules contain the version too
and are unchanged, so this kernel would not load them.
"""

from __future__ import annotations

import gzip
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from image.build_root import BuildRoot
from image.namespace import BIND_FOLDER

# The archive's packages for which Debian has no replacement.
EXCLUDED_PACKAGES = ("raspberrypi-sys-mods", "raspi-utils", "rpi-eeprom")
ORIGIN = "Raspberry Pi Foundation"  # as the real archive's Release file has it
KEYRING = "usr/share/keyrings/raspberrypi-archive-keyring.pgp"
HOOK = """#!/bin/sh
# Fills the boot partition; the arguments are a kernel's version and its file, which may be left out.
set -eu
version=$1
case $version in *-rpi-v8) ;; *) echo "Unsupported kernel version ($version) - skipping setup"; exit 0 ;; esac
boot=/boot/firmware
mkdir -p $boot/overlays
cp /usr/lib/raspi-firmware/*.elf /usr/lib/raspi-firmware/*.dat /usr/lib/raspi-firmware/bootcode.bin $boot/
cp /usr/lib/linux-image-$version/broadcom/bcm27*.dtb $boot/
cp /usr/lib/linux-image-$version/overlays/* $boot/overlays/
cp /boot/vmlinuz-$version $boot/kernel8.img
test ! -e /boot/initrd.img-$version || cp /boot/initrd.img-$version $boot/initramfs8
"""
KERNEL_SCRIPT = """#!/bin/sh
set -e
test "$1" = configure || exit 0
depmod {version}
run-parts --exit-on-error --arg={version} --arg=/boot/vmlinuz-{version} /etc/kernel/postinst.d
"""


@dataclass(frozen=True)
class Source:
    """An unpacked Debian root with the files."""

    root: Path

    @property
    def version(self) -> str:
        """Return the version of Debian's kernel."""
        return next((self.root / "usr/lib/modules").iterdir()).name


def rename_version(version: str) -> str:
    """Return a version in the form of the Raspberry Pi archive's kernels, exactly as long as Debian's."""
    number = version.partition("+")[0]
    padding = len(version) - len(number) - len("+rpt-rpi-v8")
    assert padding >= 0, version
    return f"{number}+rpt{'0' * padding}-rpi-v8"


def make(folder: Path, base: Path, tools: BuildRoot) -> Path:
    """Make the archive from the base root of the profile debian; returns the file with its public key."""
    stage, pool = folder / "stage", folder / "pool"
    source = Source(folder / "root")
    source.root.mkdir(parents=True)
    pool.mkdir()
    folders = ("boot", "usr/lib/modules", "usr/lib/raspi-firmware", "usr/lib/firmware")
    listing = subprocess.run(["tar", "-I", "zstd", "-tf", base], check=True, capture_output=True, text=True).stdout
    images = [
        line for line in listing.splitlines() if line.startswith("./usr/lib/linux-image-") and line.count("/") == 4
    ]
    names = [*(f"./{name}" for name in folders), *images]
    subprocess.run(["tar", "-I", "zstd", "-C", source.root, "-xf", base, *names], check=True)
    for number, build in enumerate(PACKAGES):
        build(stage / str(number), source)
    script = f"""
        export GNUPGHOME=/tmp/keys
        mkdir -m 700 /tmp/keys
        cd {BIND_FOLDER}/archive
        gpg --batch --quiet --passphrase '' --quick-generate-key 'Stand-in archive' ed25519 sign 0
        mkdir -p stage/keyring/{Path(KEYRING).parent}
        gpg --export > stage/keyring/{KEYRING}
        cp stage/keyring/{KEYRING} key.pgp
        for package in stage/*; do dpkg-deb --root-owner-group -Znone --build $package pool >/dev/null; done
        mkdir -p dists/trixie/main/binary-arm64
        apt-ftparchive packages pool > dists/trixie/main/binary-arm64/Packages
        apt-ftparchive -o APT::FTPArchive::Release::Origin={shlex.quote(ORIGIN)} \
            -o APT::FTPArchive::Release::Suite=trixie -o APT::FTPArchive::Release::Codename=trixie \
            -o APT::FTPArchive::Release::Components=main -o APT::FTPArchive::Release::Architectures=arm64 \
            release dists/trixie > Release
        gpg --batch --quiet --clearsign --output dists/trixie/InRelease Release
        gpgconf --kill all
    """
    write_control(stage / "keyring", "raspberrypi-archive-keyring", "2025.1+rpt1")
    subprocess.run(tools.inside(["sh", "-euc", script], {folder: "archive"}), check=True)
    shutil.rmtree(stage)
    shutil.rmtree(source.root)
    return folder / "key.pgp"


def write_control(stage: Path, name: str, version: str, **more: str) -> None:
    """Write the description of a package."""
    fields = {"Package": name, "Version": version, "Architecture": "arm64", "Maintainer": "Stand-in <root@localhost>"}
    fields |= {**more, "Description": "stand-in with real files"}
    file = stage / "DEBIAN/control"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{key.replace('_', '-')}: {value}\n" for key, value in fields.items()))


def write_script(path: Path, text: str) -> None:
    """Write an executable script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def make_kernel(stage: Path, source: Source) -> None:
    """Make linux-image-…-rpi-v8: the kernel, compressed as on the Pi, its modules and device trees."""
    old, new = source.version, rename_version(source.version)
    image = (source.root / f"boot/vmlinuz-{old}").read_bytes()
    assert image.count(old.encode()) >= 2
    (stage / "boot").mkdir(parents=True)
    (stage / f"boot/vmlinuz-{new}").write_bytes(gzip.compress(image.replace(old.encode(), new.encode()), 6, mtime=0))
    shutil.copyfile(source.root / f"boot/config-{old}", stage / f"boot/config-{new}")
    shutil.copytree(source.root / f"usr/lib/modules/{old}", stage / f"usr/lib/modules/{new}", symlinks=True)
    for file in (stage / f"usr/lib/modules/{new}").glob("modules.*"):
        if file.name not in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
            file.unlink()  # depmod writes them
    trees = stage / f"usr/lib/linux-image-{new}"
    shutil.copytree(source.root / f"usr/lib/linux-image-{old}/broadcom", trees / "broadcom")
    shutil.copytree(source.root / "usr/lib/raspi-firmware/overlays", trees / "overlays")
    write_script(stage / "DEBIAN/postinst", KERNEL_SCRIPT.format(version=new))
    write_control(stage, f"linux-image-{new}", "1:6.12-1+rpt1", Depends="kmod, initramfs-tools, linux-base")


def make_kernel_metapackage(stage: Path, source: Source) -> None:
    """Make linux-image-rpi-v8, which depends on the newest kernel."""
    write_control(stage, "linux-image-rpi-v8", "1:6.12-1+rpt1", Depends=f"linux-image-{rename_version(source.version)}")


def make_firmware(stage: Path, source: Source) -> None:
    """Make raspi-firmware: what the boot loader loads, and the hooks that copy it to the boot partition."""
    excluded = shutil.ignore_patterns("overlays")
    shutil.copytree(source.root / "usr/lib/raspi-firmware", stage / "usr/lib/raspi-firmware", ignore=excluded)
    for name in ("etc/kernel/postinst.d", "etc/initramfs/post-update.d"):
        write_script(stage / name / "z50-raspi-firmware", HOOK)
    write_control(stage, "raspi-firmware", "1:1.20250915-1")


def make_wireless(stage: Path, source: Source) -> None:
    """Make firmware-brcm80211: the firmware of the Wi-Fi chips."""
    for name in ("brcm", "cypress"):
        shutil.copytree(source.root / f"usr/lib/firmware/{name}", stage / f"usr/lib/firmware/{name}", symlinks=True)
    write_control(stage, "firmware-brcm80211", "1:20250410-2+rpt1", Replaces="firmware-brcm80211")


PACKAGES: tuple[Callable[[Path, Source], None], ...] = (
    make_kernel,
    make_kernel_metapackage,
    make_firmware,
    make_wireless,
)
