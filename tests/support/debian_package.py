"""A program of a Debian package that is only unpacked, not installed."""

import atexit
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from image import mirrors

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@cache
def program(package: str, path: str) -> Path:
    """Return a program of a package by its path, as ``usr/bin/promtool``; the package is downloaded by apt-get.

    Raises ``OSError``, ``ValueError`` or ``subprocess.SubprocessError`` where there is no mirror of Debian.
    """
    return _unpacked(package) / path


@cache
def of_the_image(package: str, component: str = "main") -> Path:
    """Return the folder of an unpacked package as the images have it: of trixie, for arm64.

    Raises ``OSError`` or ``subprocess.SubprocessError`` where there is no mirror of Debian.
    """
    apt = Path(mkdtemp(prefix="apt-"))
    atexit.register(shutil.rmtree, apt, ignore_errors=True)
    for name in ("state/lists/partial", "cache/archives/partial"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    source = f"deb [signed-by={KEYRING}] {mirrors.configured().main} trixie {component}"
    (apt / "sources.list").write_text(f"{source}\n")
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Acquire::Languages": "none",
        "Dir::State": f"{apt}/state",
        "Dir::State::status": f"{apt}/status",
        "Dir::Cache": f"{apt}/cache",
        "Dir::Etc::sourcelist": f"{apt}/sources.list",
        "Dir::Etc::sourceparts": "/nowhere",
    }
    arguments = tuple(f"--option={name}={value}" for name, value in options.items())
    _run("apt-get", "-q", *arguments, "--option=APT::Sandbox::User=root", "update", folder=apt)
    return _unpacked(package, arguments)


def _unpacked(package: str, arguments: tuple[str, ...] = ()) -> Path:
    folder = Path(mkdtemp(prefix=f"{package}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _run("apt-get", "-q", *arguments, "--option=APT::Sandbox::User=root", "download", package, folder=folder)
    (archive,) = folder.glob(f"{package}_*.deb")
    _run("dpkg-deb", "-x", archive, ".", folder=folder)
    archive.unlink()
    return folder


def _run(*command: str | Path, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
