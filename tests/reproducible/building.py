"""One build of the image from nothing: its own copy of the sources, its own cache, its own circumstances."""

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
class Circumstances:
    """What must not matter."""

    folder: str
    host: str
    umask: str
    locale: str
    zone: str


def sources(target: Path) -> None:
    """The files of the checkout that are no products, in another folder and without its history."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)  # with the time of now


@dataclass(frozen=True)
class Build:
    """A build below a folder of its own; only `mirror` and `wheels`, the downloaded packages, are shared."""

    below: Path
    how: Circumstances
    mirror: str
    wheels: Path

    @property
    def image(self) -> Path:
        """The file that `run("build", …)` makes."""
        name = build.image_name(release.version_of(release.APP), "debian")
        return self.below / self.how.folder / "dist" / name

    def run(self, verb: str, epoch: int) -> None:
        """`python -m image <verb>`; `epoch` is the sources' time, for the copy has no history to take it from."""
        checkout, home = self.below / self.how.folder, self.below / "home"
        if not checkout.exists():
            home.mkdir(parents=True)
            sources(checkout)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "XDG_", "PYTHON"))}
        environment = kept | {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(self.below / "cache"),
            "UV_CACHE_DIR": str(self.wheels),
            "PYTHONPATH": str(checkout),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SOURCE_DATE_EPOCH": str(epoch),
            "SONIQUEBAY_DEBIAN_MIRROR": f"{self.mirror}/debian",
            "SONIQUEBAY_DEBIAN_SECURITY_MIRROR": f"{self.mirror}/security",
            "LC_ALL": self.how.locale,
            "LANG": self.how.locale,
            "TZ": self.how.zone,
        }
        script = 'hostname "$1"; umask "$2"; cd "$3"; shift 3; exec "$@"'
        command = ["unshare", "--uts", "sh", "-euc", script, "sh", self.how.host, self.how.umask, str(checkout)]
        subprocess.run([*command, sys.executable, "-m", "image", verb], env=environment, check=True)
