"""Reader of TensorFlow's checkpoints (format V2) without TensorFlow.

The index is a table of LevelDB: blocks of entries, whose keys are the names of tensors and whose values say where each
lies in the data. Both formats are documented in the sources of TensorFlow (`tensor_bundle.proto`) and of LevelDB
(`table_format.md`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_FLOAT32 = 1  # number of the type in TensorFlow
_Fields = dict[int, list[int | bytes]]  # of a protobuf message, by their numbers


class UnreadableCheckpointError(Exception):
    """The file is not a checkpoint of the kind that is read here."""


def read_float32(index: bytes, data: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the float32 tensors of a checkpoint by their names, from its `.index` and its only `.data` file.

    Raises `UnreadableCheckpointError` for other files, and for compressed or damaged ones.
    """
    if int.from_bytes(index[-8:], "little") != _MAGIC:
        raise UnreadableCheckpointError("it is not the index of a checkpoint")
    try:
        return _read(index, data)
    except (IndexError, KeyError, ValueError) as error:
        raise UnreadableCheckpointError(f"its index is damaged: {error!r}") from error


def _read(index: bytes, data: bytes) -> dict[str, NDArray[np.float32]]:
    footer, at = index[-_FOOTER_BYTES:], 0
    for _ in range(2):  # offset and size of the meta index, which is not needed
        _, at = _varint(footer, at)
    offset, at = _varint(footer, at)
    size, _ = _varint(footer, at)
    tensors = {}
    for _, handle in _entries(index, offset, size):
        begin, at = _varint(handle, 0)
        length, _ = _varint(handle, at)
        for name, value in _entries(index, begin, length):
            entry = _message(value)
            if name and entry[1] == [_FLOAT32]:  # the entry without a name is the header
                tensors[name.decode()] = _tensor(entry, data)
    return tensors


def _entries(table: bytes, offset: int, size: int) -> list[tuple[bytes, bytes]]:
    """Return keys and values of a block; a key has its beginning from the one before."""
    if table[offset + size]:
        raise UnreadableCheckpointError("its index is compressed")
    block = table[offset : offset + size]
    restarts = int.from_bytes(block[-4:], "little")
    at, key, entries = 0, b"", []
    while at < size - 4 * (restarts + 1):
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        at += own
        entries.append((key, block[at : at + length]))
        at += length
    return entries


def _tensor(entry: _Fields, data: bytes) -> NDArray[np.float32]:
    """Return a tensor by its entry (`BundleEntryProto`): shape is field 2, offset 4 and size 5."""
    (size,), (offset,) = entry[5], entry.get(4, [0])
    dimensions = [_message(bytes(value)) for value in _message(bytes(entry[2][0])).get(2, [])]
    shape = [int(dimension.get(1, [0])[0]) for dimension in dimensions]
    part = data[int(offset) : int(offset) + int(size)]
    return np.frombuffer(part, "<f4").reshape(shape)


def _message(message: bytes) -> _Fields:
    at, fields = 0, dict[int, list[int | bytes]]()
    while at < len(message):
        tag, at = _varint(message, at)
        value: int | bytes
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
            case 2:
                length, at = _varint(message, at)
                value, at = message[at : at + length], at + length
            case 5:
                value, at = message[at : at + 4], at + 4
            case kind:
                raise UnreadableCheckpointError(f"a field of kind {kind}")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
