"""Copies of a card image."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a card image to a sparse file."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(target)], check=True)


def copy_enlarged(source: Path, target: Path, gibibytes: int) -> None:
    """Copy a card image to a file of at least `gibibytes` GiB that only this user may read."""
    copy_sparse(source, target)
    target.chmod(0o600)
    os.truncate(target, max(gibibytes * 2**30, target.stat().st_size))
