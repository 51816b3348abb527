"""The files from which a Pi starts, read as far as it takes to tell a complete one from a damaged or a wrong one."""

from __future__ import annotations

import gzip
import lzma
import re
import struct
import zlib
from collections.abc import Callable

from ..errors import ActionableError

ELF_MACHINE_VIDEOCORE = 137  # EM_VIDEOCORE3
_CPIO_HEADER_BYTES = 110


def check_firmware(name: str, content: bytes) -> None:
    """Require a complete program for the GPU, which is an ELF file.

    Raises `ActionableError` when it is none, or is cut off.
    """
    if content[:4] != b"\x7fELF" or struct.unpack_from("<H", content, 18)[0] != ELF_MACHINE_VIDEOCORE:
        raise ActionableError(f"{name} is no program for the Pi's GPU.")
    offset, size, count = (struct.unpack_from("<I", content, 28)[0], *struct.unpack_from("<HH", content, 42))
    for index in range(count):
        if offset + (index + 1) * size > len(content):
            raise ActionableError(f"{name} is cut off.")
        start, _, _, length = struct.unpack_from("<IIII", content, offset + index * size + 4)
        if start + length > len(content):
            raise ActionableError(f"{name} is cut off.")


def unpack_kernel(name: str, content: bytes) -> bytes:
    """Return an ARM64 kernel, which is a PE file, uncompressed.

    Raises `ActionableError` when it is none, or is damaged or cut off.
    """
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ActionableError(f"{name} is damaged or cut off.") from error
    if content[56:60] != b"ARMd":
        raise ActionableError(f"{name} is no ARM64 kernel.")
    header = struct.unpack_from("<I", content, 60)[0]
    sections, optional = struct.unpack_from("<H12xH", content, header + 6)
    for index in range(sections):
        size, start = struct.unpack_from("<II", content, header + 24 + optional + 40 * index + 16)
        if start + size > len(content):
            raise ActionableError(f"{name} is cut off.")
    return content


def kernel_version(name: str, unpacked: bytes) -> str:
    """Return the version that an uncompressed kernel reports, which is the name of its modules' folder.

    Raises `ActionableError` when there is none.
    """
    match = re.search(rb"Linux version (\S+) \(", unpacked)
    if match is None:
        raise ActionableError(f"{name} does not say which version it is.")
    return match[1].decode()


def list_initramfs(name: str, content: bytes, unzstd: Callable[[bytes], bytes]) -> set[str]:
    """Return the paths in an initramfs: one or more cpio archives, the last of which is compressed.

    Raises `ActionableError` when it is damaged or cut off.
    """
    paths: set[str] = set()
    while content := content.lstrip(b"\0"):
        if content[:6] in (b"070701", b"070702"):
            content = _read_cpio(name, content, paths)
            continue
        try:
            content = _decompress(content, unzstd)
        except (OSError, EOFError, zlib.error, lzma.LZMAError, ActionableError) as error:
            raise ActionableError(f"{name} is damaged or cut off.") from error
    return paths


def _decompress(content: bytes, unzstd: Callable[[bytes], bytes]) -> bytes:
    if content[:4] == b"\x28\xb5\x2f\xfd":
        return unzstd(content)
    if content[:2] == b"\x1f\x8b":
        return gzip.decompress(content)
    if content[:6] == b"\xfd7zXZ\0":
        return lzma.decompress(content)
    raise ActionableError("neither a cpio archive nor compressed")


def _read_cpio(name: str, content: bytes, paths: set[str]) -> bytes:
    """Add the paths of the first archive; returns what follows it."""
    offset = 0
    while offset + _CPIO_HEADER_BYTES <= len(content) and content[offset : offset + 5] == b"07070":
        size = int(content[offset + 54 : offset + 62], 16)
        length = int(content[offset + 94 : offset + 102], 16)
        start = offset + _CPIO_HEADER_BYTES
        path = content[start : start + length - 1].decode(errors="replace")
        data = start + length + -(_CPIO_HEADER_BYTES + length) % 4
        offset = data + size + -size % 4
        if path == "TRAILER!!!":
            return content[offset:]
        paths.add(path.removeprefix("./"))
    raise ActionableError(f"{name} is cut off.")
