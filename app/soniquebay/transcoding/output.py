"""Writing a stream to a pipe, in few and large pieces, but the first ones at once."""

import os
from collections.abc import Callable

_AT_ONCE_BYTES = 16 << 10  # so that the player begins
_PIECE_BYTES = 32 << 10  # each piece wakes the API
_BEGINNING_BYTES = 96 << 10  # some seconds, which a player does not run out of while processors are busy


class PipeWriter:
    """A pipe that is written to. Whoever reads slowly holds up the writer."""

    def __init__(self, descriptor: int, when_begun: Callable[[], None]) -> None:
        """`when_begun` is called when the player has enough to begin."""
        self._descriptor = descriptor
        self._when_begun = when_begun
        self._buffer = bytearray()
        self._written = 0

    def write(self, data: bytes) -> None:
        """Write data now or with the next piece. Raises ``BrokenPipeError`` when nobody reads any more."""
        self._buffer += data
        if self._written < _AT_ONCE_BYTES or len(self._buffer) >= _PIECE_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is left."""
        had_begun = self._written >= _BEGINNING_BYTES
        while self._buffer:
            count = os.write(self._descriptor, self._buffer)
            self._written += count
            del self._buffer[:count]
        if self._written >= _BEGINNING_BYTES and not had_begun:
            self._when_begun()
