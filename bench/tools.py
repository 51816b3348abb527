"""The programs to compare with, from Debian and PyPI, unpacked in the cache: nothing is installed on the machine."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from image import cache

DEBIAN = ("mpd", "minidlna")
PYPI = ("Supysonic==0.7.9", "beets==2.14.1", "waitress==3.0.2")  # Waitress is one of the servers that Supysonic names


@dataclass(frozen=True, slots=True)
class Tools:
    """Where they are."""

    debian: Path  # unpacked packages; what the machine has already is not among them
    python: Path  # of the environment with the PyPI packages
    versions: dict[str, str]

    def program(self, name: str) -> str:
        """Return the path of a program of a Debian package; raises ``AssertionError``."""
        folders = [str(self.debian / "usr" / kind) for kind in ("bin", "sbin")]
        found = shutil.which(name, path=os.pathsep.join([*folders, "/usr/bin", "/usr/sbin"]))
        assert found is not None, f"no {name} among the packages {DEBIAN}"
        return found

    def environment(self) -> dict[str, str]:
        """Return an environment in which the unpacked programs find their libraries."""
        folders = sorted({str(path.parent) for path in (self.debian / "usr/lib").rglob("lib*.so*")})
        return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(folders)}


def tools() -> Tools:
    """Return the programs, fetched now if they are not in the cache."""
    missing = _missing()
    if missing is None:
        _root("apt-get", "-qq", "update")
        missing = _missing()
        assert missing is not None, f"apt knows no {' or '.join(DEBIAN)}"
    debian = cache.make("bench/debian", cache.digest(*missing), "", lambda folder: _unpack(folder, missing))
    pypi = cache.make("bench/pypi", cache.digest(*PYPI, sys.version), "", _environment)
    versions = dict(re.split(r"==", name.lower()) for name in PYPI)
    for name in DEBIAN:
        shown = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True, check=True).stdout
        versions[name] = (re.search(r"Candidate: (\S+)", shown) or ["", "?"])[1]
    return Tools(debian, pypi / "bin/python", versions)


def _missing() -> list[str] | None:
    """Return the packages that the machine lacks as name=version; None when apt does not know the ones asked for."""
    command = ["apt-get", "-s", "-q", "install", "--no-install-recommends", *DEBIAN]
    plan = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    if plan.returncode:
        return None
    return [f"{name}={version}" for name, version in re.findall(r"^Inst (\S+) .*?\((\S+)", plan.stdout, re.M)]


def _root(*command: str) -> None:
    subprocess.run([*([] if os.geteuid() == 0 else ["sudo"]), *command], check=True)


def _unpack(folder: Path, packages: list[str]) -> None:
    (folder / "packages").mkdir(parents=True)
    (folder / "usr/lib").mkdir(parents=True)
    if packages:
        download = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *packages]
        subprocess.run(download, cwd=folder / "packages", check=True, stdout=subprocess.DEVNULL)
    for package in (folder / "packages").glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)


def _environment(folder: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", folder / "bin/python", *PYPI], check=True)
