"""Flattened device trees, read and changed with libfdt, which the build root has.

docs/decisions/0103-device-trees-by-libfdt.md says why libfdt is called through ctypes.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .build_root import BuildRoot
from .errors import ActionableError

_MAGIC = b"\xd0\x0d\xfe\xed"
_SPARE_BYTES = 4096  # for what the changes add

Tree = dict[str, dict[str, bytes]]
"""Properties by name, by the path of their node."""


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


def read_tree(name: str, content: bytes, tools: BuildRoot) -> Tree:
    """Return all properties of all nodes.

    Raises `ActionableError`, with the file's `name`, when the content is no device tree, is cut off or is damaged.
    """
    if content[:4] != _MAGIC:
        raise ActionableError(f"{name} is no device tree.")
    if _total_bytes(content) != len(content):
        raise ActionableError(f"{name} has {len(content)} bytes and says it has {_total_bytes(content)}.")
    libfdt = _load_library(tools)
    # a buffer of ctypes: libfdt refuses a tree that is not aligned
    buffer = ctypes.create_string_buffer(content, len(content))
    if error := libfdt.fdt_check_full(buffer, len(content)):
        raise ActionableError(f"{name} is damaged ({libfdt.fdt_strerror(error).decode()}).")
    return {path: dict(_properties(libfdt, buffer, offset)) for path, offset in _nodes(libfdt, buffer)}


def apply_changes(tree: bytes, changes: Sequence[Change], tools: BuildRoot) -> bytes:
    """Return the tree with the changes.

    Raises `ActionableError` when a node, or a property to be removed, does not exist.
    """
    libfdt = _load_library(tools)
    size = len(tree) + _SPARE_BYTES + sum(len(change.name) + len(change.content) for change in changes)
    buffer = ctypes.create_string_buffer(size)
    _require(libfdt, libfdt.fdt_open_into(tree, buffer, size), "the tree")
    for change in changes:
        what = f"{change.node} {change.name}"
        node = _require(libfdt, libfdt.fdt_path_offset(buffer, change.node.encode()), change.node)
        name = change.name.encode()
        if change.remove:
            _require(libfdt, libfdt.fdt_delprop(buffer, node, name), what)
        else:
            _require(libfdt, libfdt.fdt_setprop(buffer, node, name, change.content, len(change.content)), what)
    _require(libfdt, libfdt.fdt_pack(buffer), "the tree")
    return buffer.raw[: _total_bytes(buffer.raw)]


def read_property(tree: bytes, node: str, name: str, tools: BuildRoot) -> bytes | None:
    """Return a property's content, or None when the node has no property of that name.

    Raises `ActionableError` when the tree has no such node.
    """
    libfdt = _load_library(tools)
    offset = _require(libfdt, libfdt.fdt_path_offset(tree, node.encode()), node)
    length = ctypes.c_int()
    content = libfdt.fdt_getprop(tree, offset, name.encode(), ctypes.byref(length))
    return ctypes.string_at(content, length.value) if content else None


def _nodes(libfdt: ctypes.CDLL, tree: ctypes.Array[ctypes.c_char]) -> Iterator[tuple[str, int]]:
    """Yield path and offset of each node, parents before their children."""
    names: list[str] = []
    offset, depth = 0, ctypes.c_int(0)
    while offset >= 0 and depth.value >= 0:  # the tree was checked: a negative offset is its end
        name: bytes = libfdt.fdt_get_name(tree, offset, None)
        names[depth.value :] = [name.decode(errors="replace")]
        yield "/".join(names) or "/", offset
        offset = libfdt.fdt_next_node(tree, offset, ctypes.byref(depth))


def _properties(libfdt: ctypes.CDLL, tree: ctypes.Array[ctypes.c_char], node: int) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each property of the node at an offset."""
    name, length = ctypes.c_char_p(), ctypes.c_int()
    offset = libfdt.fdt_first_property_offset(tree, node)
    while offset >= 0:
        content = libfdt.fdt_getprop_by_offset(tree, offset, ctypes.byref(name), ctypes.byref(length))
        yield (name.value or b"").decode(errors="replace"), ctypes.string_at(content, length.value)
        offset = libfdt.fdt_next_property_offset(tree, offset)


def _total_bytes(tree: bytes) -> int:
    """Return the size that the header gives (`totalsize`)."""
    return int.from_bytes(tree[4:8], "big")


def _load_library(tools: BuildRoot) -> ctypes.CDLL:
    path: Path = tools.root / "usr/lib" / f"{platform.machine()}-linux-gnu" / "libfdt.so.1"
    library = ctypes.CDLL(str(path))
    library.fdt_strerror.restype = ctypes.c_char_p
    library.fdt_get_name.restype = ctypes.c_char_p
    library.fdt_getprop.restype = ctypes.c_void_p
    library.fdt_getprop_by_offset.restype = ctypes.c_void_p
    library.fdt_check_full.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return library


def _require(libfdt: ctypes.CDLL, result: int, what: str) -> int:
    """Return a result of libfdt; raises `ActionableError` when it is an error."""
    if result < 0:
        raise ActionableError(f"Device tree, {what}: {libfdt.fdt_strerror(result).decode()}")
    return result
