"""The music disk that is plugged in: real music, and what real disks carry besides."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from image import music as disks
from image.build_root import BuildRoot
from image.ui import Step

PLACE = f"/srv/music/{disks.LABEL}"
ODD_NAME = b"caf\xe9 \xff.ogg"  # Latin-1, as an old disk has it
ODD_PATH = f"{PLACE}/Odd/caf\\xe9 \\xff.ogg"  # as the API spells it
SONGS = 6


@dataclass(frozen=True)
class MusicDisk:
    """An image of a disk, and what must become of its files."""

    path: Path
    tracks: int
    failures: dict[str, str]
    """Path, and a word of the reason."""


def make(folder: Path, music: Path, tools: BuildRoot, current: Step) -> MusicDisk:
    """Make an ext4 disk from the smallest songs found below `music`."""
    songs = sorted((s for s in music.rglob("*.ogg") if s.stat().st_size > 100_000), key=lambda s: s.stat().st_size)
    assert len(songs) > SONGS, f"not enough music in {music}"
    tree = folder / "tree"
    album = tree / "An album"
    album.mkdir(parents=True)
    for song in songs[:SONGS]:
        shutil.copyfile(song, album / song.name)
    (tree / "Odd").mkdir()
    shutil.copyfile(songs[SONGS], os.fsencode(tree / "Odd") + b"/" + ODD_NAME)
    (tree / "broken.mp3").write_bytes(b"this was never music" * 5000)
    (tree / "empty.flac").touch()
    (tree / "notes.txt").write_text("no audio, no failure\n")
    (tree / "locked").mkdir()
    shutil.copyfile(songs[0], tree / "locked" / "unseen.ogg")
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)

    disk = folder / "music.img"
    disks.make(disk, tree, tools, current)
    # closed afterwards, in the image: whoever runs the tests might not read it either
    close = tools.native("debugfs", "-w", "-R", "set_inode_field /locked mode 040000", str(disk))
    subprocess.run(close, check=True, capture_output=True, env=tools.environment())
    return MusicDisk(
        disk,
        tracks=SONGS + 1,
        failures={f"{PLACE}/broken.mp3": "", f"{PLACE}/empty.flac": "empty", f"{PLACE}/locked": "Permission denied"},
    )
