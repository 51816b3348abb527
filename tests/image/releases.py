"""Other releases than the built one: a next version, one that does not start, one that is not what it says."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

PACKAGE = "lib/soniquebay"


def variant(archive: Path, folder: Path, version: str, change: Callable[[str, bytes], bytes] | None = None) -> Path:
    """Copy a release archive as another version, its files passed through `change`; with the checksum beside it."""
    made = folder / f"soniquebay-{version}-aarch64.tar.gz"
    with tarfile.open(archive) as old, tarfile.open(made, "w:gz", compresslevel=1) as new:
        old_version = _read(old, "VERSION").decode().strip()
        for member in old:
            name = member.name.removeprefix("./")
            # bytecode of the release is used without a look at the source, so what changes must not have any
            if name.startswith(f"{PACKAGE}/") and name.endswith(".pyc"):
                continue
            if not member.isfile():
                new.addfile(member)
                continue
            data = _read(old, member.name)
            if name in ("VERSION", f"{PACKAGE}/__init__.py"):
                data = data.replace(old_version.encode(), version.encode())
            if change is not None:
                data = change(name, data)
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    write_checksum(made, hashlib.sha256(made.read_bytes()).hexdigest())
    return made


def write_checksum(archive: Path, checksum: str) -> None:
    """Write what sha256sum would."""
    archive.with_name(f"{archive.name}.sha256").write_text(f"{checksum}  {archive.name}\n")


def without_api(name: str, data: bytes) -> bytes:
    """A release that says its version, and whose API cannot start."""
    if name == f"{PACKAGE}/api/server.py":
        return b'raise RuntimeError("this release is broken on purpose")\n'
    return data


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    for candidate in (name, f"./{name}"):
        try:
            file = archive.extractfile(candidate)
        except KeyError:
            continue
        if file is not None:
            return file.read()
    raise KeyError(name)
