"""Release archives as small as the role release can install them: the real program, without what it serves with."""

from __future__ import annotations

import hashlib
import io
import sys
import sysconfig
import tarfile
from pathlib import Path

import click

from image.platforms import APPLIANCE, Platform
from image.release import LAUNCHER, archive_name
from soniquebay.audio.learned import model_file

from .playbook import ROOT


def make_archive(
    folder: Path, version: str, signers: str = "", more: bytes = b"", platform: Platform = APPLIANCE
) -> Path:
    """Write a release archive of this version, with its checksum beside it.

    `signers`: the keys that it trusts; `more`: content that makes it larger. That of another platform than the
    appliance's serves, too: it has the learned model, and uses the libraries of this Python.
    """
    program = LAUNCHER.replace("#!/usr/bin/python3", f"#!{sys.executable}", 1)
    if platform is not APPLIANCE:
        lines = f"sys.path.append({sysconfig.get_path('platlib')!r})\n\nfrom soniquebay.cli"
        program = program.replace("from soniquebay.cli", lines, 1)
    texts = {"VERSION": f"{version}\n", "SIGNERS": signers, "bin/soniquebay": program, "lib/other/__init__.py": ""}
    application = ROOT / "app/soniquebay"
    for package in (application, Path(click.__file__).parent):
        for path in sorted(package.rglob("*.py")):
            texts[f"lib/{package.name}/{path.relative_to(package)}"] = path.read_text()
    texts["lib/soniquebay/__init__.py"] += f"\n__version__ = {version!r}\n"
    contents = {name: text.encode() for name, text in texts.items()} | {"lib/other/more": more}
    if platform is not APPLIANCE:
        contents[f"lib/{model_file.PATH.relative_to(application.parent)}"] = model_file.PATH.read_bytes()
    archive = folder / archive_name(version, platform)
    with tarfile.open(archive, "w:gz") as packed:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.mode = 0o755 if name.startswith("bin/") else 0o644
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    write_checksum(archive, hashlib.sha256(archive.read_bytes()).hexdigest())
    return archive


def write_checksum(archive: Path, checksum: str) -> None:
    """Write a checksum beside an archive, as sha256sum writes it."""
    archive.with_name(f"{archive.name}.sha256").write_text(f"{checksum}  {archive.name}\n")
