"""The music disk: an ext4 image labelled MUSIC, made of a folder, as a user's USB drive would be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from . import build_root, cache, mirrors, namespace
from .build_root import SUITE, BuildRoot
from .errors import ActionableError
from .ui import Step, cached, step

PACKAGE = "wesnoth-1.18-music"  # real tagged music by some ten composers
INSIDE = "usr/share/games/wesnoth/1.18/data/core/music"
LABEL = "MUSIC"
SPARE = 64 * 2**20


def ensure(tools: BuildRoot, folder: Path | None = None) -> Path:
    """The disk image of a folder, or of the music in Debian's package."""
    title = f"Music disk ({folder or PACKAGE})"
    if folder is not None and not folder.is_dir():
        raise ActionableError(f"There is no folder {folder}.", "MUSIC has to name a folder of music files.")
    wanted = cache.digest(Path(__file__), _fingerprint(folder) if folder else PACKAGE, build_root.inputs_digest())
    ready = cache.find("music", wanted, ".img")
    if ready is not None:
        cached(title)
        return ready
    with step(title) as current:
        source = folder or debian_music(tools, current)
        return cache.make("music", wanted, ".img", lambda image: make(image, source, tools, current))


def is_ready(folder: Path | None) -> bool:
    """Whether it can be had without root: Debian's package is unpacked in the build_root."""
    return folder is not None or cache.find("debian-music", _package_key()) is not None


def make(image: Path, source: Path, tools: BuildRoot, current: Step) -> None:
    """Copy a folder into a new file system. Names are bytes here: what is not UTF-8 stays as it is."""
    sizes = [path.lstat().st_size for path in _everything(source)]
    used = sum(-(-size // 4096) * 4096 for size in sizes)
    count = len(sizes)
    size = int(used * 1.05) + count * 512 + SPARE
    cache.need_space(size / 2**30)
    with image.open("wb") as file:
        file.truncate(-(-size // 2**20) * 2**20)
    options = ["-q", "-F", "-t", "ext4", "-L", LABEL, "-m", "0", "-N", str(count + 4096), "-d", str(source)]
    current.run(tools.native("mke2fs", *options, str(image)), env=tools.environment())


def debian_music(tools: BuildRoot, current: Step) -> Path:
    """The folder of music out of Debian's package, downloaded and unpacked, not installed."""

    def fetch(folder: Path) -> None:
        folder.mkdir(mode=0o755)
        sources = "\n".join(mirrors.configured().lines(SUITE, "main"))
        options = " ".join(f"-o '{option.replace(' ', '=', 1)}'" for option in mirrors.apt_options())
        script = f"""
            mount -t tmpfs tmpfs /var/lib/apt/lists
            mount -t tmpfs tmpfs /etc/apt/sources.list.d
            printf '%s\\n' '{sources}' > /etc/apt/sources.list.d/soniquebay.list
            apt-get -q {options} -o APT::Sandbox::User=root -o Dir::Etc::sourcelist=/dev/null update
            cd /tmp
            apt-get -q {options} -o APT::Sandbox::User=root -o Dir::Etc::sourcelist=/dev/null download {PACKAGE}
            mkdir unpacked
            dpkg-deb -x {PACKAGE}_*.deb unpacked
            cp -r unpacked/{INSIDE} "{namespace.FOLDERS}/music/Battle for Wesnoth"
        """
        current.run(tools.inside(["sh", "-euc", script], {folder: "music"}))
        if not any(folder.rglob("*.ogg")):
            shutil.rmtree(folder)
            raise ActionableError(f"The package {PACKAGE} has no music where it used to be.")

    return cache.make("debian-music", _package_key(), "", fetch)


def _package_key() -> str:
    return cache.digest(PACKAGE, INSIDE, SUITE)


def _fingerprint(folder: Path) -> bytes:
    """Names, sizes and times: reading all of a music library to know that it is the same would take too long."""
    facts = []
    for path in _everything(folder):
        status = path.lstat()
        facts.append(b"%s %d %d %d" % (os.fsencode(path), status.st_size, status.st_mtime_ns, status.st_mode))
    return b"\0".join(sorted(facts))


def _everything(folder: Path) -> Iterator[Path]:
    for where, names, files in os.walk(folder):
        for name in [*names, *files]:
            yield Path(where) / name
