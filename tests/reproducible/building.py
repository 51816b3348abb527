"""A build of the image from an empty cache, with a copy of the sources and in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from image import build, release
from image.paths import ROOT


@dataclass(frozen=True)
class Environment:
    """What must not change the image."""

    folder: str
    host: str
    umask: str
    locale: str
    zone: str


def copy_sources(target: Path) -> None:
    """Copy the files of the checkout that are no products, without its history."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)  # with the current time as modification time


@dataclass(frozen=True)
class Build:
    """A build below a folder of its own.

    Builds share only `mirror` and `wheels`, the downloaded packages, and `data`, with the keys that a release trusts.
    """

    parent: Path
    environment: Environment
    mirror: str
    wheels: Path
    data: Path

    @property
    def image(self) -> Path:
        """Return the file that `run("build", …)` makes."""
        name = build.image_name(release.version_of(release.APP), "debian")
        return self.parent / self.environment.folder / "dist" / name

    def run(self, verb: str, epoch: int) -> None:
        """Run `python -m image VERB`; `epoch` is the time of the sources, whose copy has no history."""
        checkout, home = self.parent / self.environment.folder, self.parent / "home"
        if not checkout.exists():
            home.mkdir(parents=True)
            copy_sources(checkout)
        dropped = ("LC_", "XDG_", "PYTHON")
        variables = {name: value for name, value in os.environ.items() if not name.startswith(dropped)} | {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(self.parent / "cache"),
            "XDG_DATA_HOME": str(self.data),
            "UV_CACHE_DIR": str(self.wheels),
            "PYTHONPATH": str(checkout),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SOURCE_DATE_EPOCH": str(epoch),
            "SONIQUEBAY_DEBIAN_MIRROR": f"{self.mirror}/debian",
            "SONIQUEBAY_DEBIAN_SECURITY_MIRROR": f"{self.mirror}/security",
            "LC_ALL": self.environment.locale,
            "LANG": self.environment.locale,
            "TZ": self.environment.zone,
        }
        shell_arguments = (self.environment.host, self.environment.umask, str(checkout))
        script = 'hostname "$1"; umask "$2"; cd "$3"; shift 3; exec "$@"'
        command = ["unshare", "--uts", "sh", "-euc", script, "sh", *shell_arguments]
        subprocess.run([*command, sys.executable, "-m", "image", verb], env=variables, check=True)
