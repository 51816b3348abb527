"""One build of the image from nothing: its own copy of the sources, its own cache, its own circumstances."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from image import build, profile, release
from image.paths import ROOT, source_epoch


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


def image(below: Path, how: Circumstances, mirror: str, wheels: Path, profile_name: str = "debian") -> Path:
    """Build the image; returns its file. Only `mirror` and `wheels`, the downloaded packages, are shared."""
    checkout = below / how.folder
    home = below / "home"
    home.mkdir(parents=True)
    sources(checkout)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "XDG_", "PYTHON"))}
    environment |= {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(below / "cache"),
        "UV_CACHE_DIR": str(wheels),
        "PYTHONPATH": str(checkout),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SOURCE_DATE_EPOCH": str(source_epoch(*build.SOURCES)),  # the copy has no history to take it from
        "SONIQUEBAY_DEBIAN_MIRROR": f"{mirror}/debian",
        "SONIQUEBAY_DEBIAN_SECURITY_MIRROR": f"{mirror}/security",
        "LC_ALL": how.locale,
        "LANG": how.locale,
        "TZ": how.zone,
    }
    script = 'hostname "$1"; umask "$2"; cd "$3"; shift 3; exec "$@"'
    command = ["unshare", "--uts", "sh", "-euc", script, "sh", how.host, how.umask, str(checkout)]
    command += [sys.executable, "-m", "image", "build", "--profile", profile_name]
    subprocess.run(command, env=environment, check=True)
    version = release.version_of(release.APP)
    return checkout / "dist" / build.image_name(version, profile.load(profile_name).name)
