"""A network cable between two emulated machines: QEMU's user network lets none of them reach another one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..errors import ActionableError

ENDS = (1, 2)
MAX_SOCKET_PATH_BYTES = 107  # sizeof(sockaddr_un.sun_path), without the final zero


@dataclass(frozen=True)
class Cable:
    """One end of a cable: a second network card with a fixed address.

    Each end is a Unix datagram socket that QEMU makes anew at each start, so either machine may be off meanwhile.
    """

    folder: Path
    """Where the sockets of both ends are."""
    end: int
    """One of `ENDS`."""

    @classmethod
    def from_state(cls, state: list[str] | None) -> Self | None:
        """Return what `state` was made from."""
        return cls(Path(state[0]), int(state[1])) if state else None

    @property
    def state(self) -> list[str]:
        """Return folder and end, for a JSON file."""
        return [str(self.folder), str(self.end)]

    @property
    def address(self) -> str:
        """Return the IPv4 address of this end."""
        return f"192.168.77.{self.end}"

    @property
    def hardware_address(self) -> str:
        """Return the MAC address of this end's card."""
        return f"52:54:00:77:00:{self.end:02x}"

    def device(self) -> list[str]:
        """Return QEMU's options for the card. Raises `ActionableError` when the folder's path is too long."""
        own, other = self._socket(self.end), self._socket(sum(ENDS) - self.end)
        netdev = f"dgram,id=cable,local.type=unix,local.path={own},remote.type=unix,remote.path={other}"
        return ["-netdev", netdev, "-device", f"virtio-net-pci,netdev=cable,mac={self.hardware_address},romfile="]

    def _socket(self, end: int) -> Path:
        path = self.folder / f"cable-{end}"
        if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
            raise ActionableError(f"{path} is too long for a Unix socket.", "Choose a folder with a shorter path.")
        return path
