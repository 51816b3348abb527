"""What the files that go out with an image say about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ImageFile:
    """An image file; size in bytes, SHA-256 in hexadecimal."""

    path: Path
    profile: str
    version: str
    epoch: int
    """Time of the sources, in seconds since 1970."""
    size: int
    sha256: str


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
