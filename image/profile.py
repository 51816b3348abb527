"""A profile: what distinguishes one kind of image from another, read from profiles/<name>/."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .errors import ActionableError
from .paths import PROFILES


@dataclass(frozen=True)
class Archive:
    """A second source of packages, over Debian's; `keyring` is where one of its packages puts its keys."""

    name: str
    mirror: str
    suite: str
    components: str
    keyring: str

    def source(self, mirror: str, keys: str) -> str:
        """Its stanza for apt."""
        return f"Types: deb\nURIs: {mirror}\nSuites: {self.suite}\nComponents: {self.components}\nSigned-By: {keys}\n"


@dataclass(frozen=True)
class Profile:
    """The facts of profile.toml and the packages of packages.txt."""

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
    """The profile of that name."""
    folder = PROFILES / name
    if not (folder / "profile.toml").is_file():
        known = ", ".join(sorted(path.name for path in PROFILES.iterdir() if path.is_dir()))
        raise ActionableError(f"There is no profile {name}.", f"There is: {known}")
    facts = tomllib.loads((folder / "profile.toml").read_text())
    return Profile(
        name=name,
        folder=folder,
        title=facts["title"],
        init_format=facts["init_format"],
        suite=facts["debian"]["suite"],
        components=facts["debian"]["components"],
        disk_signature=facts["disk"]["signature"],
        fat_volume_id=facts["disk"]["fat_volume_id"],
        root_uuid=facts["disk"]["root_uuid"],
        boot_mebibytes=facts["disk"]["boot_mebibytes"],
        packages=tuple(one for one in package_names((folder / "packages.txt").read_text()) if one not in left_out()),
        archive=Archive("raspberrypi", **facts["raspberrypi"]) if "raspberrypi" in facts else None,
    )


def left_out() -> list[str]:
    """Packages that this build does without, by SONIQUEBAY_WITHOUT."""
    return os.environ.get("SONIQUEBAY_WITHOUT", "").split()


def package_names(text: str) -> list[str]:
    """One package a line, with its reason behind a #."""
    bare = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return [name for name in bare if name]
