"""A stand-in for the Raspberry Pi archive, which may be out of reach: signed, and with real files at the real paths.

Kernel, modules, device trees, firmware and Wi-Fi are Debian's own, packed again under the names, versions and places of
the Raspberry Pi archive's packages. Only the hook that fills the boot partition is ours: it does what the real one is
known for. The kernel's version is changed in the kernel, so that it finds its modules' folder; the modules, which carry
it too, are as they were, so this kernel would not load them.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from image.build_root import BuildRoot
from image.namespace import FOLDERS

# Tools of the archive that nothing in Debian could stand in for.
WITHOUT = ("raspberrypi-sys-mods", "raspi-utils", "rpi-eeprom")
KEYRING = "usr/share/keyrings/raspberrypi-archive-keyring.pgp"
HOOK = """#!/bin/sh
# Fills the boot partition: arguments are a kernel's version and, maybe, its file.
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
    """An unpacked Debian root that has the files."""

    root: Path

    @property
    def version(self) -> str:
        """The version of Debian's kernel."""
        return next((self.root / "usr/lib/modules").iterdir()).name


def renamed(version: str) -> str:
    """A version as the Raspberry Pi archive's kernels have it, exactly as long as Debian's."""
    number = version.partition("+")[0]
    room = len(version) - len(number) - len("+rpt-rpi-v8")
    assert room >= 0, version
    return f"{number}+rpt{'0' * room}-rpi-v8"


def make(folder: Path, base: Path, tools: BuildRoot) -> Path:
    """Make the archive in a folder out of the base root of the profile debian; returns the file with its public key."""
    stage, pool = folder / "stage", folder / "pool"
    source = Source(folder / "root")
    source.root.mkdir(parents=True)
    pool.mkdir()
    wanted = ("boot", "usr/lib/modules", "usr/lib/raspi-firmware", "usr/lib/firmware")
    listing = subprocess.run(["tar", "-I", "zstd", "-tf", base], check=True, capture_output=True, text=True).stdout
    images = [
        line for line in listing.splitlines() if line.startswith("./usr/lib/linux-image-") and line.count("/") == 4
    ]
    names = [*(f"./{name}" for name in wanted), *images]
    subprocess.run(["tar", "-I", "zstd", "-C", source.root, "-xf", base, *names], check=True)
    for number, build in enumerate(PACKAGES):
        build(stage / str(number), source)
    script = f"""
        export GNUPGHOME=/tmp/keys
        mkdir -m 700 /tmp/keys
        cd {FOLDERS}/archive
        gpg --batch --quiet --passphrase '' --quick-generate-key 'Stand-in archive' ed25519 sign 0
        mkdir -p stage/keyring/{Path(KEYRING).parent}
        gpg --export > stage/keyring/{KEYRING}
        cp stage/keyring/{KEYRING} key.pgp
        for one in stage/*; do dpkg-deb --root-owner-group -Znone --build $one pool >/dev/null; done
        mkdir -p dists/trixie/main/binary-arm64
        apt-ftparchive packages pool > dists/trixie/main/binary-arm64/Packages
        apt-ftparchive -o APT::FTPArchive::Release::Suite=trixie -o APT::FTPArchive::Release::Codename=trixie \
            -o APT::FTPArchive::Release::Components=main -o APT::FTPArchive::Release::Architectures=arm64 \
            release dists/trixie > Release
        gpg --batch --quiet --clearsign --output dists/trixie/InRelease Release
        gpgconf --kill all
    """
    control(stage / "keyring", "raspberrypi-archive-keyring", "2025.1+rpt1")
    subprocess.run(tools.inside(["sh", "-euc", script], {folder: "archive"}), check=True)
    shutil.rmtree(stage)
    shutil.rmtree(source.root)
    return folder / "key.pgp"


def control(stage: Path, name: str, version: str, **more: str) -> None:
    """The package's own description."""
    fields = {"Package": name, "Version": version, "Architecture": "arm64", "Maintainer": "Stand-in <root@localhost>"}
    fields |= {**more, "Description": "stand-in with real files"}
    place = stage / "DEBIAN/control"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("".join(f"{key.replace('_', '-')}: {value}\n" for key, value in fields.items()))


def program(path: Path, text: str) -> None:
    """A script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def kernel(stage: Path, source: Source) -> None:
    """linux-image-…-rpi-v8: the kernel packed, as on the Pi, its modules and device trees."""
    old, new = source.version, renamed(source.version)
    image = (source.root / f"boot/vmlinuz-{old}").read_bytes()
    assert image.count(old.encode()) >= 2
    (stage / "boot").mkdir(parents=True)
    (stage / f"boot/vmlinuz-{new}").write_bytes(gzip.compress(image.replace(old.encode(), new.encode()), 6, mtime=0))
    shutil.copyfile(source.root / f"boot/config-{old}", stage / f"boot/config-{new}")
    shutil.copytree(source.root / f"usr/lib/modules/{old}", stage / f"usr/lib/modules/{new}", symlinks=True)
    for file in (stage / f"usr/lib/modules/{new}").glob("modules.*"):
        if file.name not in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
            file.unlink()  # depmod's
    trees = stage / f"usr/lib/linux-image-{new}"
    shutil.copytree(source.root / f"usr/lib/linux-image-{old}/broadcom", trees / "broadcom")
    shutil.copytree(source.root / "usr/lib/raspi-firmware/overlays", trees / "overlays")
    program(stage / "DEBIAN/postinst", KERNEL_SCRIPT.format(version=new))
    control(stage, f"linux-image-{new}", "1:6.12-1+rpt1", Depends="kmod, initramfs-tools, linux-base")


def newest_kernel(stage: Path, source: Source) -> None:
    """linux-image-rpi-v8, which draws in the newest one."""
    control(stage, "linux-image-rpi-v8", "1:6.12-1+rpt1", Depends=f"linux-image-{renamed(source.version)}")


def firmware(stage: Path, source: Source) -> None:
    """raspi-firmware: what the boot loader loads, and the hooks that put it there."""
    content = shutil.ignore_patterns("overlays")
    shutil.copytree(source.root / "usr/lib/raspi-firmware", stage / "usr/lib/raspi-firmware", ignore=content)
    for name in ("etc/kernel/postinst.d", "etc/initramfs/post-update.d"):
        program(stage / name / "z50-raspi-firmware", HOOK)
    control(stage, "raspi-firmware", "1:1.20250915-1")


def wireless(stage: Path, source: Source) -> None:
    """firmware-brcm80211: the programs of the Wi-Fi chips."""
    for name in ("brcm", "cypress"):
        shutil.copytree(source.root / f"usr/lib/firmware/{name}", stage / f"usr/lib/firmware/{name}", symlinks=True)
    control(stage, "firmware-brcm80211", "1:20250410-2+rpt1", Replaces="firmware-brcm80211")


PACKAGES: tuple[Callable[[Path, Source], None], ...] = (kernel, newest_kernel, firmware, wireless)
