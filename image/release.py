"""The release archive: the application, its dependencies for one platform and the bytecode of both; reproducible.

    VERSION  SIGNERS  system.json  bin/soniquebay  lib/

Both the image build and the upgrade playbook unpack that of the appliance's platform. Its signature lies beside it.
Those of other platforms are for workers on other machines, and for containers.
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
from collections.abc import Mapping, Sequence
from pathlib import Path

from soniquebay.releases import signatures, versions

from . import build_root, bytecode, cache, learned_model, signers, system_sets, ui, web_page
from .build_root import BuildRoot
from .errors import ActionableError
from .paths import ROOT, chown_to_invoking_user, dist, source_epoch
from .platforms import APPLIANCE, Platform
from .ui import Step

LOCK_FILE = ROOT / "requirements.lock"
APP = ROOT / "app"
INSTALLED_IN = "/opt/soniquebay/current"  # for the paths in tracebacks
EXCLUDED_FOLDERS = {"tests", "__pycache__"}
# RECORD has hashes of scripts that are not in the archive, and that differ between machines.
EXCLUDED_NAMES = ("RECORD", "REQUESTED", "direct_url.json", "INSTALLER")
EXCLUDED_SUFFIXES = (".pyi", ".pxd", ".pyx", ".c", ".h", ".a", ".lib")
# -IS: modules are imported from the release and the standard library, never from the system's packages.
# -B: root, too, writes no bytecode into a release. -I ignores the variables that would say so.
LAUNCHER = '''#!/usr/bin/python3 -ISB
"""Starts SoniqueBay from the release this file belongs to."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lib"))

from soniquebay.cli import main

if __name__ == "__main__":
    sys.exit(main())
'''


def version_of(app: Path) -> str:
    """Return the version of the application in an app/ folder, without importing it.

    Raises `ActionableError` when it has none.
    """
    text = (app / "soniquebay/__init__.py").read_text()
    match = re.search(r'^__version__\s*=\s*"([^"]+)"', text, re.MULTILINE)
    if not match:
        raise ActionableError(f"{app}/soniquebay/__init__.py has no __version__.")
    return match[1]


def archive_name(version: str, platform: Platform = APPLIANCE) -> str:
    """Return the name of the archive in dist/. An appliance finds that of its own platform by this name."""
    return versions.archive_name(version, platform.name)


def ensure(
    tools: BuildRoot,
    *,
    version: str | None = None,
    app: Path = APP,
    into: Path | None = None,
    key: Path | None = None,
    platform: Platform = APPLIANCE,
) -> Path:
    """Return the release archive in dist/, or in the folder `into`, with its .sha256 and its .sig beside it.

    With another `version` or `app` folder it has the same dependencies from the cache, and takes seconds. `key` signs
    it, instead of that of `signers.signing_key`. Raises `ActionableError` when a step fails.
    """
    key = signers.signing_key(key)
    trusted = signers.trusted(key)
    version = version or version_of(app)
    page, model = web_page.ensure(), learned_model.ensure()
    epoch = source_epoch("app/soniquebay", "app/web", "image/learned_model.lock", "requirements.lock")
    libraries_digest = _libraries_digest(platform)
    inputs = (app / "soniquebay", page, model, libraries_digest, system_sets.inputs_digest(), Path(__file__))
    digest = cache.digest(*inputs, version, epoch, trusted)
    title = f"Release {version} for {platform.name}"
    archive = cache.find(_kind("release", platform), digest, ".tar.gz")
    if archive is not None:
        ui.cached(title)
    else:
        with ui.step(title) as step, tempfile.TemporaryDirectory() as scratch:
            libraries = cache.make(
                _kind("libraries", platform),
                libraries_digest,
                "",
                lambda path: _install_libraries(path, platform, tools, step),
            )
            application = Path(scratch)
            _copy_application(application, app, version)
            _compile(application, platform, tools, step)
            _put_built(application, page, web_page.INSTALLED)
            _put_built(application, model, learned_model.INSTALLED)
            step.report_status("packing")
            sets = system_sets.ensure(step).read_text()
            folders = [libraries, application]
            texts = {signatures.FILE_NAME: trusted, system_sets.NAME: sets}
            archive = cache.make(
                _kind("release", platform),
                digest,
                ".tar.gz",
                lambda path: _pack(path, version, epoch, texts, folders),
            )
    published = publish(archive, (into or dist()) / archive_name(version, platform))
    signers.sign(published, key)
    return published


def publish(archive: Path, target: Path) -> Path:
    """Copy a file to `target`, with its checksum beside it, and return the copy."""
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


def _kind(product: str, platform: Platform) -> str:
    """Return the kind of a cached product. Those of other platforms push none of the appliance's out of the cache."""
    return product if platform is APPLIANCE else f"{product}-{platform.name}"


def _libraries_digest(platform: Platform = APPLIANCE) -> str:
    code = (Path(__file__), Path(bytecode.__file__))
    return cache.digest(LOCK_FILE, *code, build_root.inputs_digest(), platform.wheels, platform.python)


def _install_libraries(folder: Path, platform: Platform, tools: BuildRoot, step: Step) -> None:
    """Unpack the pinned wheels for a platform; none of their code runs here."""
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "install", "--quiet", "--python-platform", platform.wheels]
    command += ["--python-version", platform.python, "--only-binary", ":all:", "--require-hashes"]
    command += ["--target", str(folder)]
    step.run([*command, "--link-mode", "copy", "-r", str(LOCK_FILE)], env={**os.environ, **index_settings()})
    shutil.rmtree(folder / "bin", ignore_errors=True)  # scripts begin with the path of this machine's Python
    (folder / ".lock").unlink(missing_ok=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and path.name in EXCLUDED_FOLDERS:
            shutil.rmtree(path)
        elif path.suffix in EXCLUDED_SUFFIXES or (path.name in EXCLUDED_NAMES):
            path.unlink(missing_ok=True)
    _compile(folder, platform, tools, step)


def _compile(folder: Path, platform: Platform, tools: BuildRoot, step: Step) -> None:
    if platform.has_bytecode:
        bytecode.compile_all([folder], folder, f"{INSTALLED_IN}/lib", tools, step)


def index_settings() -> dict[str, str]:
    """Return the package index in pip's configuration as variables of uv, which does not read that configuration."""
    if "UV_INDEX_URL" in os.environ or "UV_DEFAULT_INDEX" in os.environ:
        return {}
    done = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    settings = dict(re.findall(r"^(?:global|install|:env:)\.(index-url|cert)='([^']*)'$", done.stdout, re.MULTILINE))
    variables = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
    return {variables[name]: value for name, value in settings.items()}


def _copy_application(target: Path, app: Path, version: str) -> None:
    shutil.copytree(app / "soniquebay", target / "soniquebay", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    _set_version(target / "soniquebay/__init__.py", version)


def _put_built(target: Path, built: Path, in_checkout: Path) -> None:
    """Copy a folder of built files to the place that it has in a checkout."""
    installed = target / in_checkout.relative_to(APP)
    shutil.rmtree(installed, ignore_errors=True)  # that of a checkout may be older than its sources
    shutil.copytree(built, installed)


def _pack(path: Path, version: str, epoch: int, texts: Mapping[str, str], folders: Sequence[Path]) -> None:
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        _add_text(archive, "VERSION", f"{version}\n", 0o644, epoch)
        for name, text in texts.items():
            _add_text(archive, name, text, 0o644, epoch)
        _add_text(archive, "bin/soniquebay", LAUNCHER, 0o755, epoch)
        for folder in folders:
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
