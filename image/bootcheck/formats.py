"""The files a Pi starts from, read as far as one can tell a whole and fitting one from another."""

from __future__ import annotations

import gzip
import lzma
import re
import struct
import zlib
from collections.abc import Callable

from ..errors import ActionableError

VIDEOCORE = 137  # machine number of the GPU in ELF files


def check_firmware(name: str, content: bytes) -> None:
    """A start file: a whole program for the GPU."""
    if content[:4] != b"\x7fELF" or struct.unpack_from("<H", content, 18)[0] != VIDEOCORE:
        raise ActionableError(f"{name} is no program for the Pi's GPU.")
    offset, size, count = (struct.unpack_from("<I", content, 28)[0], *struct.unpack_from("<HH", content, 42))
    for index in range(count):
        if offset + (index + 1) * size > len(content):
            raise ActionableError(f"{name} is cut off.")
        start, _, _, length = struct.unpack_from("<IIII", content, offset + index * size + 4)
        if start + length > len(content):
            raise ActionableError(f"{name} is cut off.")


def kernel(name: str, content: bytes) -> bytes:
    """An ARM64 kernel, unpacked; an ActionableError unless it is whole."""
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
    """The version a kernel says it is, which names the folder of its modules."""
    found = re.search(rb"Linux version (\S+) \(", unpacked)
    if found is None:
        raise ActionableError(f"{name} does not say which version it is.")
    return found[1].decode()


def initramfs_names(name: str, content: bytes, unzstd: Callable[[bytes], bytes]) -> set[str]:
    """Paths in an initramfs: one or more cpio archives, the last of them packed."""
    names: set[str] = set()
    while content := content.lstrip(b"\0"):
        if content[:6] in (b"070701", b"070702"):
            content = _cpio(name, content, names)
            continue
        try:
            content = _unpacked(content, unzstd)
        except (OSError, EOFError, zlib.error, lzma.LZMAError, ActionableError) as error:
            raise ActionableError(f"{name} is damaged or cut off.") from error
    return names


def _unpacked(content: bytes, unzstd: Callable[[bytes], bytes]) -> bytes:
    if content[:4] == b"\x28\xb5\x2f\xfd":
        return unzstd(content)
    if content[:2] == b"\x1f\x8b":
        return gzip.decompress(content)
    if content[:6] == b"\xfd7zXZ\0":
        return lzma.decompress(content)
    raise ActionableError("neither cpio nor packed")


def _cpio(name: str, content: bytes, names: set[str]) -> bytes:
    """Take in one archive; returns what follows it."""
    at = 0
    while at + 110 <= len(content) and content[at : at + 5] == b"07070":
        size = int(content[at + 54 : at + 62], 16)
        length = int(content[at + 94 : at + 102], 16)
        path = content[at + 110 : at + 110 + length - 1].decode(errors="replace")
        data = at + 110 + length + -(110 + length) % 4
        at = data + size + -size % 4
        if path == "TRAILER!!!":
            return content[at:]
        names.add(path.removeprefix("./"))
    raise ActionableError(f"{name} is cut off.")


def tree(name: str, content: bytes) -> dict[str, dict[str, bytes]]:
    """A flattened device tree: properties by the path of their node."""
    if content[:4] != b"\xd0\x0d\xfe\xed":
        raise ActionableError(f"{name} is no device tree.")
    total, at, strings = struct.unpack_from(">III", content, 4)
    if total != len(content):
        raise ActionableError(f"{name} has {len(content)} bytes and says it has {total}.")
    nodes: dict[str, dict[str, bytes]] = {}
    path: list[str] = []
    while True:
        token = struct.unpack_from(">I", content, at)[0]
        at += 4
        if token == 1:
            end = content.index(b"\0", at)
            path.append(content[at:end].decode(errors="replace"))
            nodes["/".join(path) or "/"] = {}
            at = (end + 4) & ~3
        elif token == 2:
            path.pop()
        elif token == 3:
            length, where = struct.unpack_from(">II", content, at)
            where += strings
            key = content[where : content.index(b"\0", where)].decode(errors="replace")
            nodes["/".join(path) or "/"][key] = content[at + 8 : at + 8 + length]
            at += 8 + length + -length % 4
        elif token == 9:
            return nodes
        elif token != 4:
            raise ActionableError(f"{name} is damaged.")
