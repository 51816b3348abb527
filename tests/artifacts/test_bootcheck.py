"""The static checks: none finds a problem in the built image, and each finds the one in a damaged copy of it."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from image import bootcheck
from image.bootcheck.card import Card
from image.build_root import BuildRoot
from image.errors import ActionableError

from .damage import DamagedImage

Damage = Callable[[DamagedImage], None]


def test_the_image_has_no_problem(image_file: Path, tools: BuildRoot) -> None:
    assert bootcheck.find_problems(image_file, tools) == []


def test_the_headers_are_read_as_by_their_own_tools(image_file: Path, tools: BuildRoot) -> None:
    card = Card(image_file, tools)
    boot, root = card.partitions
    minfo = card.run("minfo", "-i", f"{image_file}@@{boot.start}", "::").decode()
    assert f'disk label="{card.fat.label:<11}"' in minfo
    for name, value in {
        "cluster size: {} sectors": card.fat.cluster_bytes,
        "reserved (boot) sectors: {}": card.fat.reserved_bytes,
        "hidden sectors: {}": card.fat.hidden_bytes,
        "big size: {} sectors": card.fat.size_bytes,
        "Big fatlen={}": card.fat.table_bytes,
    }.items():
        assert f"\n{name.format(value // 512)}\n" in minfo
    with card.extracted(boot) as file:
        fsck = card.run("fsck.vfat", "-nv", str(file)).decode()
    assert f"Data area starts at byte {card.fat.data_start} " in fsck
    assert f"{card.fat.cluster_count} data clusters" in fsck
    stats = card.run("debugfs", "-R", "show_super_stats -h", f"{image_file}?offset={root.start}").decode()
    fields = dict(re.findall(r"^([^:\n]+): +(.*)$", stats, re.MULTILINE))
    assert (fields["Filesystem volume name"], fields["Filesystem UUID"]) == (card.ext4.label, card.ext4.uuid)
    assert int(fields["Block count"]) * int(fields["Block size"]) == card.ext4.size_bytes
    assert (fields["Filesystem state"] == "clean") == card.ext4.clean


def cpio(name: str) -> bytes:
    """An initramfs with one empty file."""

    def member(path: str) -> bytes:
        fields = [0] * 13
        fields[11] = len(path) + 1
        head = b"070701" + b"".join(b"%08X" % value for value in fields) + path.encode() + b"\0"
        return head + b"\0" * (-len(head) % 4)

    return member(name) + member("TRAILER!!!")


def overlap_partitions(card: DamagedImage) -> None:
    card.write(446 + 16 + 8, struct.pack("<I", card.original.partitions[0].start // 512 + 8192))


def put_other_board(card: DamagedImage) -> None:
    card.put(card.original.config.device_tree, card.original.boot_files["bcm2711-rpi-400.dtb"])


def fill_boot_partition(card: DamagedImage) -> None:
    card.put("fill", bytes(card.original.fat.cluster_count * card.original.fat.cluster_bytes - 170 * 2**20))


def damage_allocation_table(card: DamagedImage) -> None:
    card.write(card.original.fat.reserved_bytes + 4 * 5000, b"\1\2\3\4", 0)


def damage_block_bitmap(card: DamagedImage) -> None:
    # the first block group's descriptor names its bitmap of blocks
    with card.image.open("rb") as file:
        file.seek(card.original.partitions[1].start + 4096)
        bitmap = struct.unpack("<I", file.read(4))[0]
    card.write(bitmap * 4096, b"\0" * 64, 1)


def first_kernel(card: DamagedImage) -> str:
    return min(card.original.list_folder("/usr/lib/modules"))


def remove_modules(card: DamagedImage) -> None:
    card.unlink(f"/usr/lib/modules/{first_kernel(card)}")


DAMAGES: dict[str, tuple[Damage, str]] = {
    # the partition table
    "boot partition of another type": (lambda c: c.write(446 + 4, b"\x83"), "is of type 0x83"),
    "root partition of another type": (lambda c: c.write(446 + 16 + 4, b"\x82"), "is of type 0x82"),
    "a partition not aligned": (lambda c: c.write(446 + 16 + 8, b"\x01"), "multiple of 4 MiB"),
    "partitions overlap": (overlap_partitions, "overlap"),
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
    "no room for an update": (fill_boot_partition, "a kernel update needs"),
    # config.txt
    "no config.txt": (lambda c: c.remove("config.txt"), "config.txt is not on the boot partition"),
    "a long line": (lambda c: c.add_settings(f"uart_2ndstage={'1' * 90}"), "the firmware reads 98"),
    "a word alone": (lambda c: c.add_settings("arm_boost"), "is no setting"),
    "32-bit mode": (lambda c: c.add_settings("arm_64bit=0"), "64-bit mode off"),
    "a prefix": (lambda c: c.add_settings("os_prefix=new/"), "do not follow os_prefix"),
    # the firmware
    "no firmware": (lambda c: c.remove(c.original.config.firmware[0]), "the firmware that config.txt chooses"),
    "firmware cut off": (lambda c: c.cut(c.original.config.firmware[0]), "is cut off"),
    "firmware is something else": (lambda c: c.put(c.original.config.firmware[0], b"MZ" + bytes(99)), "no program"),
    "empty fixup": (lambda c: c.put(c.original.config.firmware[1], b""), "is empty"),
    "no pair": (lambda c: c.add_settings("start_file=start4x.elf"), "are no pair"),
    # kernel and initramfs
    "kernel of another name": (lambda c: c.add_settings("kernel=vmlinuz-0"), "vmlinuz-0 is not on the boot partition"),
    "kernel cut off": (lambda c: c.cut(c.original.config.kernel), "cut off"),
    "kernel is something else": (lambda c: c.put(c.original.config.kernel, bytes(4096)), "no ARM64 kernel"),
    "no modules of the kernel": (remove_modules, "no modules of it"),
    "no initramfs named": (lambda c: c.remove_text("^(initramfs |auto_initramfs=).*$"), "names no initramfs"),
    "no initramfs": (lambda c: c.remove(c.original.config.initramfs), "is not on the boot partition (named in"),
    "initramfs cut off": (lambda c: c.cut(c.original.config.initramfs), "damaged or cut off"),
    "initramfs of nothing": (lambda c: c.put(c.original.config.initramfs, cpio("init")), "holds no modules"),
    "initramfs without drivers": (
        lambda c: c.put(c.original.config.initramfs, cpio(f"lib/modules/{first_kernel(c)}/a.ko")),
        "neither in",
    ),
    # the device tree
    "no device tree": (lambda c: c.remove(c.original.config.device_tree), "the device tree of a Pi 4"),
    "device tree cut off": (lambda c: c.cut(c.original.config.device_tree), "bytes and says it has"),
    "device tree of another board": (put_other_board, "another board"),
    "device tree is something else": (lambda c: c.put(c.original.config.device_tree, bytes(99)), "no device tree"),
    "parameter nobody knows": (lambda c: c.add_settings("dtparam=no_such=on"), "sets no_such"),
    "no such overlay": (lambda c: c.add_settings("dtoverlay=no-such"), "overlays/no-such.dtbo is not on"),
    # the command line
    "two lines": (lambda c: c.edit("cmdline.txt", lambda text: text + b"quiet\n"), "second line"),
    "a line too long": (lambda c: c.edit("cmdline.txt", lambda text: b"a=" + b"1" * 1100 + text), "may be cut off"),
    "root elsewhere": (lambda c: c.edit("cmdline.txt", lambda t: t.replace(b"root=", b"root=X")), "this root is"),
    "no root": (lambda c: c.remove_text(r"root=\S+", "cmdline.txt"), "root=(nothing)"),
    "no rootwait": (lambda c: c.remove_text("rootwait", "cmdline.txt"), "lacks rootwait"),
    "no console": (lambda c: c.remove_text(r"console=tty\d\b", "cmdline.txt"), "no console"),
    "memory for the GPU": (lambda c: c.edit("cmdline.txt", lambda text: b"cma=64M " + text), "(cma=)"),
    "no memory limits": (lambda c: c.remove_text("cgroup_enable=memory", "cmdline.txt"), "lacks cgroup_enable"),
    # the customisation
    "no meta-data": (lambda c: c.remove("meta-data"), "meta-data is not on"),
    "no instance": (lambda c: c.put("meta-data", b"a: b\n"), "no instance-id"),
    "user-data of another kind": (lambda c: c.put("user-data", b"#!/bin/sh\n"), "does not begin with"),
    # the root file system
    "no Wi-Fi program": (lambda c: c.unlink(c.original.resolve_link(bootcheck.rootfs.WIRELESS_FILES[0])), "no Wi-Fi"),
    "no Wi-Fi settings": (lambda c: c.unlink(bootcheck.rootfs.WIRELESS_FILES[2]), "no Wi-Fi"),
    "fstab of another card": (
        lambda c: c.replace("/etc/fstab", "LABEL=other / ext4 defaults 0 1\nLABEL=bootfs /boot/firmware vfat x 0 2\n"),
        "mounts LABEL=other at /",
    ),
    "boot partition not in fstab": (
        lambda c: c.replace("/etc/fstab", f"LABEL={c.original.ext4.label} / ext4 defaults 0 1\n"),
        "mounts nothing at /boot/firmware",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_would_not_start_is_found(damaged: DamagedImage, name: str) -> None:
    damage, expected = DAMAGES[name]
    damage(damaged)
    found = bootcheck.find_problems(damaged.image, damaged.tools, bootcheck.QUICK_RULES)
    assert any(expected in problem for problem in found), found


@pytest.mark.parametrize(
    ("damage", "expected"), [(damage_allocation_table, "fsck.vfat failed"), (damage_block_bitmap, "e2fsck failed")]
)
def test_a_damaged_file_system_is_found(damaged: DamagedImage, damage: Damage, expected: str) -> None:
    damage(damaged)
    found = bootcheck.find_problems(damaged.image, damaged.tools)
    assert any(problem.startswith(expected) for problem in found), found


def test_an_overlay_that_does_not_fit_is_found(damaged: DamagedImage) -> None:
    """One for another kernel's device tree: the firmware would leave it out without a word."""
    overlay = min(name for name in damaged.original.boot_files if name.endswith(".dtbo"))
    damaged.edit(overlay, lambda content: re.sub(rb"\0gpio\0|\0i2s\0", lambda m: m[0].replace(b"i", b"X"), content))
    damaged.add_settings(f"dtoverlay={Path(overlay).stem},no_such=1")
    found = bootcheck.find_problems(damaged.image, damaged.tools, bootcheck.QUICK_RULES)
    assert any("does not have" in problem for problem in found), found
    assert any("sets no_such=1" in problem for problem in found), found


def test_an_unfit_image_is_refused(damaged: DamagedImage) -> None:
    damaged.remove("start4cd.elf")
    with pytest.raises(ActionableError, match=r"would not start[\s\S]*start4cd.elf"):
        bootcheck.require_bootable(damaged.image, damaged.tools)
