"""The programs as they are shipped: compiled, and with the packages of requirements.lock alone.

A package of the development environment can slow them. One does: where cffi can be imported, billiard compiles a
declaration with it in every child process.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from image import cache
from image.paths import ROOT

_LOCK = ROOT / "requirements.lock"
_PROGRAMS = ROOT / "app" / "soniquebay"


def python() -> Path:
    """Return the interpreter of a virtual environment with the programs, made once and kept in the cache folder."""
    key = cache.digest(sys.version, Path(__file__), _LOCK, _PROGRAMS)
    return cache.make("bench/shipped", key, "", _install) / "bin" / "python"


def _install(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    interpreter = folder / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "pip", "install", "--quiet", "--python", interpreter, "--no-deps", "--require-hashes", "-r", _LOCK]
    subprocess.run(command, check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    shutil.copytree(_PROGRAMS, packages / "soniquebay", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([interpreter, "-m", "compileall", "-q", packages], check=True)
