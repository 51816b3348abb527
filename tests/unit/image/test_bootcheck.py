"""config.txt, file-system headers and the files from which a Pi starts, read without an image."""

import gzip

import pytest

from image.bootcheck import formats, headers
from image.bootcheck.config import parse_config
from image.errors import ActionableError


def test_sections_of_other_boards_do_not_apply() -> None:
    found = parse_config(
        "kernel=one\n[pi5]\nkernel=five\n[pi4]\ngpu_mem=16\n[none]\ngpu_mem=64\n[all]\ninitramfs a followkernel\n"
    )
    assert (found.kernel, found.initramfs, found.number("gpu_mem")) == ("one", "a", 16)
    assert found.problems == []


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
    assert parse_config(text).firmware == pair


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("auto_initramfs=1", ("kernel8.img", "initramfs8")),
        ("auto_initramfs=1\nkernel=kernel_2712.img", ("kernel_2712.img", "initramfs_2712")),
        ("auto_initramfs=1\nkernel=vmlinuz-6", ("vmlinuz-6", "initrd.img-6")),
        ("arm_64bit=0", ("kernel7l.img", "")),
    ],
)
def test_names_that_config_txt_leaves_out(text: str, names: tuple[str, str]) -> None:
    found = parse_config(text)
    assert (found.kernel, found.initramfs) == names


def test_parameters_of_the_board_and_of_overlays() -> None:
    found = parse_config("dtparam=audio=on,spi\ndtoverlay=vc4-kms-v3d,cma-128\ndtparam=of_the_overlay\n")
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
    assert formats.list_initramfs("i", first + second, bytes) == {"kernel", "lib/a.ko"}
    for cut in (first[:130], first + second[:-9]):
        with pytest.raises(ActionableError, match="cut off"):
            formats.list_initramfs("i", cut, bytes)


def test_headers_of_other_file_systems_are_refused() -> None:
    with pytest.raises(ActionableError, match="not FAT32"):
        headers.parse_fat32(bytes(512))
    with pytest.raises(ActionableError, match="not ext4"):
        headers.parse_ext4(bytes(1024))


def test_a_fat32_header_without_clusters_is_refused() -> None:
    sector = bytearray(512)
    sector[82:90], sector[510:] = b"FAT32   ", b"\x55\xaa"
    with pytest.raises(ActionableError, match="makes no sense"):
        headers.parse_fat32(bytes(sector))
