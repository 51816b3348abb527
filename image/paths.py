"""Where things are: the checkout, its products, the cache."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PROFILES = Path(__file__).resolve().parent / "profiles"


def cache_home() -> Path:
    """Folder of everything that is built once and used again."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base).absolute() / "soniquebay"
    folder.mkdir(parents=True, exist_ok=True)
    chown_to_invoking_user(folder)
    return folder


def dist() -> Path:
    """The folder of products, made on demand and left to the user who called sudo."""
    DIST.mkdir(exist_ok=True)
    chown_to_invoking_user(DIST)
    return DIST


def chown_to_invoking_user(path: Path) -> None:
    """Hand a file that root made to the user behind sudo."""
    if os.geteuid() == 0 and "SUDO_UID" in os.environ:
        os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]), follow_symlinks=False)


def source_epoch(*folders: str) -> int:
    """Time stamp of what is built: the last commit that touched these paths, so equal sources give equal bytes."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    # safe.directory: under sudo the checkout belongs to somebody else
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "log", "-1", "--format=%ct", "--", *folders]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        found = ""
    return int(found) if found else 1_735_689_600
