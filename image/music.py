"""The music disk: an image of an ext4 file system with a folder of music, in the place of a user's USB drive."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import build_root, cache, debian_package, ui
from .build_root import SUITE, BuildRoot
from .errors import ActionableError
from .ui import Step

PACKAGE = "wesnoth-1.18-music"  # tagged music by some ten composers
FOLDER_IN_PACKAGE = "usr/share/games/wesnoth/1.18/data/core/music"
LABEL = "MUSIC"
MIN_FREE_BYTES = 64 * 2**20
FREE_INODES = 4096
BLOCK_BYTES = 4096


def ensure(tools: BuildRoot, folder: Path | None = None) -> Path:
    """Return the disk image of a folder, or of the music in Debian's package; make it if it has not been made.

    Downloading the package needs root. Raises `ActionableError` when there is no such folder.
    """
    title = f"Music disk ({folder or PACKAGE})"
    if folder is not None and not folder.is_dir():
        raise ActionableError(f"There is no folder {folder}.", "MUSIC has to name a folder of music files.")
    content = _list_state(folder) if folder else PACKAGE
    digest = cache.digest(Path(__file__), content, build_root.inputs_digest())
    existing = cache.find("music", digest, ".img")
    if existing is not None:
        ui.cached(title)
        return existing
    with ui.step(title) as step:
        source = folder or debian_music(tools, step)
        return cache.make("music", digest, ".img", lambda image: make(image, source, tools, step))


def is_ready(folder: Path | None) -> bool:
    """Tell whether `ensure` needs no root: Debian's package is unpacked by chroot in the build root."""
    return folder is not None or cache.find("debian-music", _package_digest()) is not None


def make(image: Path, source: Path, tools: BuildRoot, step: Step) -> None:
    """Copy a folder into a new file system, with names that are no UTF-8 as they are."""
    sizes = [path.lstat().st_size for path in _walk(source)]
    used = sum(-(-size // BLOCK_BYTES) * BLOCK_BYTES for size in sizes)
    count = len(sizes)
    size = int(used * 1.05) + count * 512 + MIN_FREE_BYTES
    cache.require_free_space(size / 2**30)
    with image.open("wb") as file:
        file.truncate(-(-size // 2**20) * 2**20)
    options = ["-q", "-F", "-t", "ext4", "-L", LABEL, "-m", "0", "-N", str(count + FREE_INODES), "-d", str(source)]
    step.run(tools.native("mke2fs", *options, str(image)), env=tools.environment())


def debian_music(tools: BuildRoot, step: Step) -> Path:
    """Return a folder with the music of Debian's package, which is downloaded and unpacked but not installed.

    Raises `ActionableError` when the package has none.
    """

    def fetch(folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="tmp-") as unpacked:
            debian_package.unpack(PACKAGE, Path(unpacked), tools, step)
            music = Path(unpacked) / FOLDER_IN_PACKAGE
            if not any(music.rglob("*.ogg")):
                raise ActionableError(f"The package {PACKAGE} has no music in {FOLDER_IN_PACKAGE}.")
            folder.mkdir(mode=0o755)
            music.rename(folder / "Battle for Wesnoth")

    return cache.make("debian-music", _package_digest(), "", fetch)


def _package_digest() -> str:
    return cache.digest(PACKAGE, FOLDER_IN_PACKAGE, SUITE)


def _list_state(folder: Path) -> bytes:
    """Return names, sizes, times and modes of all files: reading the files of a music library would take too long."""
    lines = []
    for path in _walk(folder):
        status = path.lstat()
        lines.append(b"%s %d %d %d" % (os.fsencode(path), status.st_size, status.st_mtime_ns, status.st_mode))
    return b"\0".join(sorted(lines))


def _walk(folder: Path) -> Iterator[Path]:
    for parent, names, files in os.walk(folder):
        for name in [*names, *files]:
            yield Path(parent) / name
