"""Device trees, read with the build root's libfdt."""

from __future__ import annotations

import struct

import pytest

from image import devicetree
from image.build_root import BuildRoot
from image.errors import ActionableError

BEGIN_NODE, END_NODE, PROPERTY, END = 1, 2, 3, 9
HEADER_BYTES, RESERVATIONS_BYTES = 40, 16


@pytest.fixture
def tree() -> bytes:
    """A tree of two nodes, one of which has a property; version 17 of the format."""
    strings = b"compatible\0"
    block = struct.pack(">I4x", BEGIN_NODE) + struct.pack(">III4s", PROPERTY, 4, 0, b"abc\0")
    block += struct.pack(">I4s", BEGIN_NODE, b"cpu\0") + struct.pack(">III", END_NODE, END_NODE, END)
    start = HEADER_BYTES + RESERVATIONS_BYTES
    end = start + len(block)
    places = (end + len(strings), start, end, HEADER_BYTES)
    header = struct.pack(">10I", 0xD00DFEED, *places, 17, 16, 0, len(strings), len(block))
    return header + bytes(RESERVATIONS_BYTES) + block + strings


def test_tree_of_two_nodes(tree: bytes, tools: BuildRoot) -> None:
    assert devicetree.read_tree("t", tree, tools) == {"/": {"compatible": b"abc\0"}, "/cpu": {}}


def test_a_tree_that_is_cut_off_is_refused(tree: bytes, tools: BuildRoot) -> None:
    with pytest.raises(ActionableError, match="says it has"):
        devicetree.read_tree("t", tree[:-1], tools)


def test_a_damaged_tree_is_refused(tree: bytes, tools: BuildRoot) -> None:
    end = struct.pack(">III", END_NODE, END_NODE, END)
    assert tree.count(end) == 1
    with pytest.raises(ActionableError, match=r"t is damaged .*BADSTRUCTURE"):
        devicetree.read_tree("t", tree.replace(end, struct.pack(">III", END_NODE, 7, END)), tools)


def test_what_is_no_tree_is_refused(tools: BuildRoot) -> None:
    with pytest.raises(ActionableError, match="t is no device tree"):
        devicetree.read_tree("t", b"no tree" * 10, tools)
