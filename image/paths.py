"""The folders: the checkout, its products, the cache."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PROFILES = Path(__file__).resolve().parent / "profiles"
_DEFAULT_EPOCH = 1_735_689_600  # 1 January 2025


def cache_home() -> Path:
    """Return the folder of everything that is built once and used again; make it if it is missing."""
    parent = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(parent).absolute() / "soniquebay"
    folder.mkdir(parents=True, exist_ok=True)
    chown_to_invoking_user(folder)
    return folder


def data_home() -> Path:
    """Return the folder of what is the builder's own and cannot be built again; make it if it is missing."""
    parent = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local/share")
    folder = Path(parent).absolute() / "soniquebay"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    chown_to_invoking_user(folder)
    return folder


def dist() -> Path:
    """Return the folder of products; make it if it is missing, for the user who called sudo."""
    DIST.mkdir(exist_ok=True)
    chown_to_invoking_user(DIST)
    return DIST


def chown_to_invoking_user(path: Path) -> None:
    """Give a file that root made to the user who called sudo."""
    if os.geteuid() == 0 and "SUDO_UID" in os.environ:
        os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]), follow_symlinks=False)


def source_epoch(*folders: str) -> int:
    """Return the time of the last commit that changed these paths, in seconds since 1970.

    It is the time of what is built from them, so that equal sources give equal bytes. SOURCE_DATE_EPOCH overrides it.
    """
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    # safe.directory: under sudo the checkout belongs to another user
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "log", "-1", "--format=%ct", "--", *folders]
    try:
        time = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        time = ""
    return int(time) if time else _DEFAULT_EPOCH
