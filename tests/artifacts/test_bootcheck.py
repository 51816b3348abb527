"""The static checks: silent on the built image, and each of them heard on a damaged copy of it."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from image import bootcheck
from image.build_root import BuildRoot
from image.errors import ActionableError

from .damage import Damaged

Harm = Callable[[Damaged], None]


def test_the_image_is_fit_for_a_pi_4(image_file: Path, tools: BuildRoot) -> None:
    assert bootcheck.faults(image_file, tools) == []


def cpio(name: str) -> bytes:
    """An initramfs with one empty file."""

    def member(path: str) -> bytes:
        fields = [0] * 13
        fields[11] = len(path) + 1
        head = b"070701" + b"".join(b"%08X" % value for value in fields) + path.encode() + b"\0"
        return head + b"\0" * (-len(head) % 4)

    return member(name) + member("TRAILER!!!")


def put_root_first(card: Damaged) -> None:
    card.write(446 + 16 + 8, struct.pack("<I", card.card.partitions[0].start // 512 + 8192))


def other_board(card: Damaged) -> None:
    card.put(card.card.config.device_tree, card.card.files["bcm2711-rpi-400.dtb"])


def fill(card: Damaged) -> None:
    card.put("fill", bytes(card.card.fat.clusters * card.card.fat.cluster - 170 * 2**20))


def half_a_table(card: Damaged) -> None:
    card.write(card.card.fat.reserved + 4 * 5000, b"\1\2\3\4", 0)


def other_bitmap(card: Damaged) -> None:
    # the first block group's descriptor names its bitmap of blocks
    with card.image.open("rb") as file:
        file.seek(card.card.partitions[1].start + 4096)
        bitmap = struct.unpack("<I", file.read(4))[0]
    card.write(bitmap * 4096, b"\0" * 64, 1)


def no_modules(card: Damaged) -> None:
    version = next(iter(card.card.names("/usr/lib/modules")))
    card.unlink(f"/usr/lib/modules/{version}")


HARMS: dict[str, tuple[Harm, str]] = {
    # the partition table
    "boot partition of another kind": (lambda c: c.write(446 + 4, b"\x83"), "is of kind 0x83"),
    "root partition of another kind": (lambda c: c.write(446 + 16 + 4, b"\x82"), "is of kind 0x82"),
    "a partition not aligned": (lambda c: c.write(446 + 16 + 8, b"\x01"), "multiple of 4 MiB"),
    "partitions overlap": (put_root_first, "overlap"),
    "image cut off": (lambda c: c.truncate(c.image.stat().st_size - 2**20), "its partitions end at"),
    "no signature": (lambda c: c.write(440, bytes(4)), "no signature"),
    "no second partition": (lambda c: c.write(446 + 16, bytes(16)), "1 partitions"),
    # the file systems
    "boot label": (lambda c: c.write(71, b"BOOT       ", 0), "'BOOT'"),
    "boot partition is no FAT": (lambda c: c.write(82, b"NTFS", 0), "not FAT32"),
    "too few clusters": (lambda c: c.write(13, b"\x40", 0), "FAT32 has at least"),
    "header says another place": (lambda c: c.write(28, b"\0\0\0\0", 0), "another place"),
    "boot file system too large": (lambda c: c.write(32, b"\0\0\0\x10", 0), "boot partition's file system is larger"),
    "root is no ext4": (lambda c: c.write(1024 + 56, b"\0\0", 1), "not ext4"),
    "root too large": (lambda c: c.write(1024 + 4, b"\xff\xff\xff\x00", 1), "root file system is larger"),
    "root not clean": (lambda c: c.write(1024 + 58, b"\0\0", 1), "not left clean"),
    "no room for an update": (fill, "a kernel update needs"),
    # config.txt
    "no config.txt": (lambda c: c.remove("config.txt"), "config.txt is not on the boot partition"),
    "a long line": (lambda c: c.config(f"uart_2ndstage={'1' * 90}"), "the firmware reads 98"),
    "a word alone": (lambda c: c.config("arm_boost"), "is no setting"),
    "32-bit mode": (lambda c: c.config("arm_64bit=0"), "64-bit mode off"),
    "a prefix": (lambda c: c.config("os_prefix=new/"), "do not follow os_prefix"),
    # the firmware
    "no firmware": (lambda c: c.remove(c.card.config.firmware[0]), "the firmware that config.txt chooses"),
    "firmware cut off": (lambda c: c.cut(c.card.config.firmware[0]), "is cut off"),
    "firmware is something else": (lambda c: c.put(c.card.config.firmware[0], b"MZ" + bytes(99)), "no program"),
    "empty fixup": (lambda c: c.put(c.card.config.firmware[1], b""), "is empty"),
    "no pair": (lambda c: c.config("start_file=start4x.elf"), "are no pair"),
    # kernel and initramfs
    "kernel of another name": (lambda c: c.config("kernel=vmlinuz-0"), "vmlinuz-0 is not on the boot partition"),
    "kernel cut off": (lambda c: c.cut(c.card.config.kernel), "cut off"),
    "kernel is something else": (lambda c: c.put(c.card.config.kernel, bytes(4096)), "no ARM64 kernel"),
    "no modules of the kernel": (no_modules, "no modules of it"),
    "no initramfs named": (lambda c: c.without("^(initramfs |auto_initramfs=).*$"), "names no initramfs"),
    "no initramfs": (lambda c: c.remove(c.card.config.initramfs), "is not on the boot partition (named in"),
    "initramfs cut off": (lambda c: c.cut(c.card.config.initramfs), "damaged or cut off"),
    "initramfs of nothing": (lambda c: c.put(c.card.config.initramfs, cpio("init")), "holds no modules"),
    "initramfs without drivers": (
        lambda c: c.put(c.card.config.initramfs, cpio(f"lib/modules/{min(c.card.names('/usr/lib/modules'))}/a.ko")),
        "neither in",
    ),
    # the device tree
    "no device tree": (lambda c: c.remove(c.card.config.device_tree), "the device tree of a Pi 4"),
    "device tree cut off": (lambda c: c.cut(c.card.config.device_tree), "bytes and says it has"),
    "device tree of another board": (other_board, "another board"),
    "device tree is something else": (lambda c: c.put(c.card.config.device_tree, bytes(99)), "no device tree"),
    "parameter nobody knows": (lambda c: c.config("dtparam=no_such=on"), "sets no_such"),
    "no such overlay": (lambda c: c.config("dtoverlay=no-such"), "overlays/no-such.dtbo is not on"),
    # the command line
    "two lines": (lambda c: c.edit("cmdline.txt", lambda text: text + b"quiet\n"), "second line"),
    "a line too long": (lambda c: c.edit("cmdline.txt", lambda text: b"a=" + b"1" * 1100 + text), "may be cut off"),
    "root elsewhere": (lambda c: c.edit("cmdline.txt", lambda t: t.replace(b"root=", b"root=X")), "this root is"),
    "no root": (lambda c: c.without(r"root=\S+", "cmdline.txt"), "root=(nothing)"),
    "no rootwait": (lambda c: c.without("rootwait", "cmdline.txt"), "lacks rootwait"),
    "no console": (lambda c: c.without(r"console=tty\d\b", "cmdline.txt"), "no console"),
    "memory for the GPU": (lambda c: c.edit("cmdline.txt", lambda text: b"cma=64M " + text), "(cma=)"),
    "no memory limits": (lambda c: c.without("cgroup_enable=memory", "cmdline.txt"), "lacks cgroup_enable"),
    # the customisation
    "no meta-data": (lambda c: c.remove("meta-data"), "meta-data is not on"),
    "no instance": (lambda c: c.put("meta-data", b"a: b\n"), "no instance-id"),
    "user-data of another kind": (lambda c: c.put("user-data", b"#!/bin/sh\n"), "does not begin with"),
    # the root file system
    "no Wi-Fi program": (lambda c: c.unlink(c.card.resolve(bootcheck.rootfs.WIRELESS[0])), "no Wi-Fi"),
    "no Wi-Fi settings": (lambda c: c.unlink(bootcheck.rootfs.WIRELESS[2]), "no Wi-Fi"),
    "fstab of another card": (
        lambda c: c.replace("/etc/fstab", "LABEL=other / ext4 defaults 0 1\nLABEL=bootfs /boot/firmware vfat x 0 2\n"),
        "mounts LABEL=other at /",
    ),
    "boot partition not in fstab": (
        lambda c: c.replace("/etc/fstab", f"LABEL={c.card.ext4.label} / ext4 defaults 0 1\n"),
        "mounts nothing at /boot/firmware",
    ),
}


@pytest.mark.parametrize("name", HARMS)
def test_what_would_not_start_is_found(damaged: Damaged, name: str) -> None:
    harm, expected = HARMS[name]
    harm(damaged)
    found = bootcheck.faults(damaged.image, damaged.tools, bootcheck.QUICK)
    assert any(expected in fault for fault in found), found


@pytest.mark.parametrize(("harm", "expected"), [(half_a_table, "fsck.vfat says"), (other_bitmap, "e2fsck says")])
def test_a_damaged_file_system_is_found(damaged: Damaged, harm: Harm, expected: str) -> None:
    harm(damaged)
    found = bootcheck.faults(damaged.image, damaged.tools)
    assert any(fault.startswith(expected) for fault in found), found


def test_an_overlay_that_does_not_fit_is_found(damaged: Damaged) -> None:
    """One for another kernel's device tree: the firmware would leave it out without a word."""
    overlay = min(name for name in damaged.card.files if name.endswith(".dtbo"))
    damaged.edit(overlay, lambda content: re.sub(rb"\0gpio\0|\0i2s\0", lambda m: m[0].replace(b"i", b"X"), content))
    damaged.config(f"dtoverlay={Path(overlay).stem},no_such=1")
    found = bootcheck.faults(damaged.image, damaged.tools, bootcheck.QUICK)
    assert any("does not have" in fault for fault in found), found
    assert any("sets no_such=1" in fault for fault in found), found


def test_an_unfit_image_is_refused(damaged: Damaged) -> None:
    damaged.remove("start4cd.elf")
    with pytest.raises(ActionableError, match=r"would not start[\s\S]*start4cd.elf"):
        bootcheck.require_fit(damaged.image, damaged.tools)
