"""The release archive: the application, its dependencies for aarch64 and their bytecode, the same bytes every time.

    VERSION  bin/soniquebay  lib/

The image build and the upgrade playbook unpack this very file.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import build_root, bytecode, cache
from .build_root import BuildRoot
from .errors import ActionableError
from .paths import ROOT, chown_to_invoking_user, dist, source_epoch
from .ui import Step, cached, step

LOCK = ROOT / "requirements.lock"
APP = ROOT / "app"
HOME = "/opt/soniquebay/current"  # where tracebacks say a file is
USELESS_FOLDERS = {"tests", "__pycache__"}
# RECORD has the hashes of scripts that begin with the path of this machine's Python, and that are deleted.
USELESS_NAMES = ("RECORD", "REQUESTED", "direct_url.json", "INSTALLER")
USELESS_SUFFIXES = (".pyi", ".pxd", ".pyx", ".c", ".h", ".a", ".lib")
# -IS: only what the release brings is imported, never a module that the system happens to have.
LAUNCHER = '''#!/usr/bin/python3 -IS
"""Starts SoniqueBay from the release this file belongs to."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lib"))

from soniquebay.cli import main

if __name__ == "__main__":
    sys.exit(main())
'''


def version_of(app: Path) -> str:
    """The application's version, read and not imported."""
    text = (app / "soniquebay/__init__.py").read_text()
    found = re.search(r'^__version__\s*=\s*"([^"]+)"', text, re.MULTILINE)
    if not found:
        raise ActionableError(f"{app}/soniquebay/__init__.py has no __version__.")
    return found[1]


def archive_name(version: str) -> str:
    """The file's name in dist/."""
    return f"soniquebay-{version}-aarch64.tar.gz"


def ensure(tools: BuildRoot, *, version: str | None = None, app: Path = APP, into: Path | None = None) -> Path:
    """The release archive, with its .sha256 beside it.

    Another `version` or `app` folder makes a variant of the same dependencies, in seconds.
    """
    version = version or version_of(app)
    epoch = source_epoch("app/soniquebay", "requirements.lock")
    key = cache.digest(app / "soniquebay", _libraries_key(), Path(__file__), version, epoch)
    title = f"Release {version} for aarch64"
    ready = cache.find("release", key, ".tar.gz")
    if ready is not None:
        cached(title)
    else:
        with step(title) as current, tempfile.TemporaryDirectory() as scratch:
            libraries = cache.make("libraries", _libraries_key(), "", lambda path: _libraries(path, tools, current))
            stage = Path(scratch)
            _application(stage, app, version, tools, current)
            current.report_status("packing")
            ready = cache.make("release", key, ".tar.gz", lambda path: _pack(path, version, epoch, [libraries, stage]))
    return publish(ready, (into or dist()) / archive_name(version))


def publish(archive: Path, target: Path) -> Path:
    """A copy where people look for it, with its checksum."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}")
    checksum = target.with_name(f"{target.name}.sha256")
    with cache.locked("publish"):
        shutil.copyfile(archive, partial)
        partial.rename(target)
        with target.open("rb") as content:
            checksum.write_text(f"{hashlib.file_digest(content, 'sha256').hexdigest()}  {target.name}\n")
    chown_to_invoking_user(target)
    chown_to_invoking_user(checksum)
    return target


def _libraries_key() -> str:
    return cache.digest(LOCK, Path(__file__), Path(bytecode.__file__), build_root.inputs_digest())


def _libraries(folder: Path, tools: BuildRoot, current: Step) -> None:
    """The pinned wheels for aarch64 and Python 3.13; nothing is compiled or run."""
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "install", "--quiet", "--python-platform", "aarch64-manylinux_2_40"]
    command += ["--python-version", "3.13", "--only-binary", ":all:", "--require-hashes", "--target", str(folder)]
    current.run([*command, "--link-mode", "copy", "-r", str(LOCK)], env={**os.environ, **index_settings()})
    shutil.rmtree(folder / "bin", ignore_errors=True)  # scripts with this machine's Python in their first line
    (folder / ".lock").unlink(missing_ok=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and path.name in USELESS_FOLDERS:
            shutil.rmtree(path)
        elif path.suffix in USELESS_SUFFIXES or (path.name in USELESS_NAMES):
            path.unlink(missing_ok=True)
    bytecode.compile_all([folder], folder, f"{HOME}/lib", tools, current)


def index_settings() -> dict[str, str]:
    """Pip's own index, if this machine has one configured, for uv, which does not read pip's configuration."""
    if "UV_INDEX_URL" in os.environ or "UV_DEFAULT_INDEX" in os.environ:
        return {}
    shown = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    settings = dict(re.findall(r"^(?:global|install|:env:)\.(index-url|cert)='([^']*)'$", shown.stdout, re.MULTILINE))
    named = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
    return {named[name]: value for name, value in settings.items()}


def _application(stage: Path, app: Path, version: str, tools: BuildRoot, current: Step) -> None:
    shutil.copytree(app / "soniquebay", stage / "soniquebay", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    _set_version(stage / "soniquebay/__init__.py", version)
    bytecode.compile_all([stage], stage, f"{HOME}/lib", tools, current)


def _pack(path: Path, version: str, epoch: int, libraries: Sequence[Path]) -> None:
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        _add_text(archive, "VERSION", f"{version}\n", 0o644, epoch)
        _add_text(archive, "bin/soniquebay", LAUNCHER, 0o755, epoch)
        for folder in libraries:
            _add_tree(archive, folder, "lib", epoch)


def _set_version(module: Path, version: str) -> None:
    text = module.read_text()
    module.write_text(re.sub(r'^(__version__\s*=\s*)"[^"]+"', rf'\g<1>"{version}"', text, count=1, flags=re.MULTILINE))


def _add_text(archive: tarfile.TarFile, name: str, text: str, mode: int, epoch: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(text.encode()), mode, epoch
    archive.addfile(member, io.BytesIO(text.encode()))


def _add_tree(archive: tarfile.TarFile, root: Path, prefix: str, epoch: int) -> None:
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        member = tarfile.TarInfo(f"{prefix}/{path.relative_to(root)}")
        member.size, member.mtime = path.stat().st_size, epoch
        member.mode = 0o755 if os.access(path, os.X_OK) and ".so" in path.name else 0o644
        with path.open("rb") as content:
            archive.addfile(member, content)
