"""A program of a Debian package that is only unpacked, not installed."""

import atexit
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp


@cache
def program(package: str, path: str) -> Path:
    """Return a program of a package by its path, as ``usr/bin/promtool``; the package is downloaded by apt-get.

    Raises ``OSError``, ``ValueError`` or ``subprocess.SubprocessError`` where there is no mirror of Debian.
    """
    folder = Path(mkdtemp(prefix=f"{package}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(
        ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package],
        cwd=folder, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (archive,) = folder.glob(f"{package}_*.deb")
    subprocess.run(["dpkg-deb", "-x", archive, folder], check=True, capture_output=True, timeout=60)
    archive.unlink()
    return folder / path
