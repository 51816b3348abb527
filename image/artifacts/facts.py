"""What the files that go out with an image say of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Image:
    """An image file; size in bytes, SHA-256 in hex."""

    path: Path
    profile: str
    version: str
    epoch: int
    size: int
    sha256: str


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
