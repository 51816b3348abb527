"""The platforms for which a release archive can be made: a processor, and the Python of a release of Debian."""

from __future__ import annotations

from dataclasses import dataclass

BYTECODE_PYTHON = "3.13"  # that of the build root


@dataclass(frozen=True)
class Platform:
    """A machine that runs a release."""

    name: str
    """As in the name of the archive."""
    wheels: str
    """Processor and C library, as uv names them."""
    python: str
    """Version of Python, as `3.13`."""

    @property
    def has_bytecode(self) -> bool:
        """Whether the archive has bytecode. Without it a program compiles what it imports at each start."""
        return self.python == BYTECODE_PYTHON


# Those of Debian 13 have no Python in their name. The others are for workers on machines with Debian 12.
APPLIANCE = Platform("aarch64", "aarch64-manylinux_2_40", "3.13")
PLATFORMS = {
    platform.name: platform
    for platform in (
        APPLIANCE,
        Platform("x86_64", "x86_64-manylinux_2_40", "3.13"),
        Platform("aarch64-python3.11", "aarch64-manylinux_2_36", "3.11"),
        Platform("x86_64-python3.11", "x86_64-manylinux_2_36", "3.11"),
    )
}
