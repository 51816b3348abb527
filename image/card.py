"""Copies of a card image."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a card; what is empty in it takes no room."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(target)], check=True)


def copy_larger(source: Path, target: Path, gibibytes: int) -> None:
    """Copy an image to a card of at least that size, which nobody else may read."""
    copy_sparse(source, target)
    target.chmod(0o600)
    os.truncate(target, max(gibibytes * 2**30, target.stat().st_size))
