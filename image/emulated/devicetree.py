"""Changes to a flattened device tree, made with libfdt, which the build root has because QEMU depends on it."""

from __future__ import annotations

import ctypes
import platform
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..build_root import BuildRoot
from ..errors import ActionableError

_SPARE = 4096  # bytes for what the changes add


@dataclass(frozen=True)
class Change:
    """A property of a node to be set (to a text, or to nothing for a flag) or removed."""

    node: str
    name: str
    value: str | None = None
    remove: bool = False

    @property
    def content(self) -> bytes:
        """Return the value as the tree stores it."""
        return b"" if self.value is None else self.value.encode() + b"\0"


def changed(tree: bytes, changes: Sequence[Change], tools: BuildRoot) -> bytes:
    """Return the tree with the changes.

    Raises `ActionableError` when a node, or a property to be removed, does not exist.
    """
    library = _library(tools)
    size = len(tree) + _SPARE + sum(len(change.name) + len(change.content) for change in changes)
    buffer = ctypes.create_string_buffer(size)
    _need(library, library.fdt_open_into(tree, buffer, size), "the tree")
    for change in changes:
        what = f"{change.node} {change.name}"
        node = _need(library, library.fdt_path_offset(buffer, change.node.encode()), change.node)
        name = change.name.encode()
        if change.remove:
            _need(library, library.fdt_delprop(buffer, node, name), what)
        else:
            _need(library, library.fdt_setprop(buffer, node, name, change.content, len(change.content)), what)
    _need(library, library.fdt_pack(buffer), "the tree")
    return buffer.raw[: struct.unpack_from(">I", buffer, 4)[0]]


def value(tree: bytes, node: str, name: str, tools: BuildRoot) -> bytes | None:
    """Return a property's content, or None when the node has no property of that name."""
    library = _library(tools)
    at = _need(library, library.fdt_path_offset(tree, node.encode()), node)
    length = ctypes.c_int()
    content = library.fdt_getprop(tree, at, name.encode(), ctypes.byref(length))
    return ctypes.string_at(content, length.value) if content else None


def _library(tools: BuildRoot) -> ctypes.CDLL:
    path: Path = tools.root / "usr/lib" / f"{platform.machine()}-linux-gnu" / "libfdt.so.1"
    library = ctypes.CDLL(str(path))
    library.fdt_strerror.restype = ctypes.c_char_p
    library.fdt_getprop.restype = ctypes.c_void_p
    return library


def _need(library: ctypes.CDLL, result: int, what: str) -> int:
    if result < 0:
        raise ActionableError(f"Device tree, {what}: {library.fdt_strerror(result).decode()}")
    return result
