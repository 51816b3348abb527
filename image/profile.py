"""A profile: what one kind of image has of its own, read from profiles/<name>/."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .errors import ActionableError
from .paths import PROFILES


@dataclass(frozen=True)
class Archive:
    """An archive of packages beside Debian's."""

    name: str
    mirror: str
    suite: str
    components: str
    keyring: str
    """Where one of its packages installs its public keys."""

    def make_stanza(self, mirror: str, keyring: str) -> str:
        """Return the stanza of a .sources file for this archive."""
        suite = f"Suites: {self.suite}\nComponents: {self.components}\n"
        return f"Types: deb\nURIs: {mirror}\n{suite}Signed-By: {keyring}\n"


@dataclass(frozen=True)
class Profile:
    """The settings of profile.toml and the packages of packages.txt."""

    name: str
    folder: Path
    title: str
    init_format: str
    suite: str
    components: str
    disk_signature: int
    fat_volume_id: str
    root_uuid: str
    boot_mebibytes: int
    packages: tuple[str, ...]
    archive: Archive | None = None


def load(name: str) -> Profile:
    """Return the profile of that name.

    Raises `ActionableError` when there is none.
    """
    folder = PROFILES / name
    if not (folder / "profile.toml").is_file():
        available = ", ".join(sorted(path.name for path in PROFILES.iterdir() if path.is_dir()))
        raise ActionableError(f"There is no profile {name}.", f"The profiles are: {available}")
    names = package_names((folder / "packages.txt").read_text())
    settings = tomllib.loads((folder / "profile.toml").read_text())
    return Profile(
        name=name,
        folder=folder,
        title=settings["title"],
        init_format=settings["init_format"],
        suite=settings["debian"]["suite"],
        components=settings["debian"]["components"],
        disk_signature=settings["disk"]["signature"],
        fat_volume_id=settings["disk"]["fat_volume_id"],
        root_uuid=settings["disk"]["root_uuid"],
        boot_mebibytes=settings["disk"]["boot_mebibytes"],
        packages=tuple(package for package in names if package not in excluded_packages()),
        archive=Archive("raspberrypi", **settings["raspberrypi"]) if "raspberrypi" in settings else None,
    )


def excluded_packages() -> list[str]:
    """Return the packages that SONIQUEBAY_WITHOUT excludes from this build."""
    return os.environ.get("SONIQUEBAY_WITHOUT", "").split()


def package_names(text: str) -> list[str]:
    """Return the packages of a packages.txt, which has one a line, with the reason behind a #."""
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return [line for line in lines if line]
