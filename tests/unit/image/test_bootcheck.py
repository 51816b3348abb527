"""config.txt and the files a Pi starts from, read without an image."""

import gzip
import struct

import pytest

from image.bootcheck import config, formats
from image.errors import ActionableError


def test_sections_of_other_boards_do_not_hold() -> None:
    found = config.parse(
        "kernel=one\n[pi5]\nkernel=five\n[pi4]\ngpu_mem=16\n[none]\ngpu_mem=64\n[all]\ninitramfs a followkernel\n"
    )
    assert (found.kernel, found.initramfs, found.number("gpu_mem")) == ("one", "a", 16)
    assert found.faults == []


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("", ("start4.elf", "fixup4.dat")),
        ("gpu_mem=16", ("start4cd.elf", "fixup4cd.dat")),
        ("gpu_mem=16\ngpu_mem_1024=128", ("start4.elf", "fixup4.dat")),
        ("start_x=1\ngpu_mem=16", ("start4x.elf", "fixup4x.dat")),
        ("start_debug=1", ("start4db.elf", "fixup4db.dat")),
        ("start_file=mine.elf", ("mine.elf", "fixup4.dat")),
    ],
)
def test_the_pair_of_firmware_files(text: str, pair: tuple[str, str]) -> None:
    assert config.parse(text).firmware == pair


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("auto_initramfs=1", ("kernel8.img", "initramfs8")),
        ("auto_initramfs=1\nkernel=kernel_2712.img", ("kernel_2712.img", "initramfs_2712")),
        ("auto_initramfs=1\nkernel=vmlinuz-6", ("vmlinuz-6", "initrd.img-6")),
        ("arm_64bit=0", ("kernel7l.img", "")),
    ],
)
def test_names_that_are_not_told(text: str, names: tuple[str, str]) -> None:
    found = config.parse(text)
    assert (found.kernel, found.initramfs) == names


def test_parameters_of_the_board_and_of_overlays() -> None:
    found = config.parse("dtparam=audio=on,spi\ndtoverlay=vc4-kms-v3d,cma-128\ndtparam=of_the_overlay\n")
    assert found.parameters == ["audio", "spi"]
    assert found.overlays == ["vc4-kms-v3d,cma-128"]


def member(path: str, content: bytes = b"") -> bytes:
    fields = [0] * 13
    fields[6], fields[11] = len(content), len(path) + 1
    head = b"070701" + b"".join(b"%08X" % value for value in fields) + path.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)


def test_initramfs_of_two_archives() -> None:
    first = member("kernel", b"12345") + member("TRAILER!!!") + b"\0" * 300
    second = gzip.compress(member("./lib/a.ko", b"x") + member("TRAILER!!!"))
    assert formats.initramfs_names("i", first + second, bytes) == {"kernel", "lib/a.ko"}
    for cut in (first[:130], first + second[:-9]):
        with pytest.raises(ActionableError, match="cut off"):
            formats.initramfs_names("i", cut, bytes)


def test_tree_of_two_nodes() -> None:
    strings = b"compatible\0"
    block = struct.pack(">I4x", 1) + struct.pack(">III4s", 3, 4, 0, b"abc\0")
    block += struct.pack(">I4s", 1, b"cpu\0") + struct.pack(">IIII", 4, 2, 2, 9)
    size = 40 + len(block) + len(strings)
    header = struct.pack(">IIII24x", 0xD00DFEED, size, 40, 40 + len(block))
    assert formats.tree("t", header + block + strings) == {"/": {"compatible": b"abc\0"}, "/cpu": {}}
    with pytest.raises(ActionableError, match="says it has"):
        formats.tree("t", (header + block + strings)[:-1])
