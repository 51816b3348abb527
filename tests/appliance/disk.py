"""The music disk of the tests: real music, and odd, broken and unreadable files."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from image import music
from image.build_root import BuildRoot
from image.ui import Step

MOUNT_POINT = f"/srv/music/{music.LABEL}"
ODD_NAME = b"caf\xe9 \xff.ogg"  # Latin-1, as on an old disk
ODD_PATH = f"{MOUNT_POINT}/Odd/caf\\xe9 \\xff.ogg"  # the encoded path that the API shows
SONG_COUNT = 6


@dataclass(frozen=True)
class MusicDisk:
    """An image of a disk, and the tracks and failures that its scan has to give."""

    path: Path
    tracks: int
    failures: dict[str, str]
    """A part of the expected reason by path; empty where any reason will do."""


def make_disk(folder: Path, source: Path, tools: BuildRoot, step: Step) -> MusicDisk:
    """Make an ext4 disk in `folder` from the smallest songs below `source`."""
    songs = sorted((s for s in source.rglob("*.ogg") if s.stat().st_size > 100_000), key=lambda s: s.stat().st_size)
    assert len(songs) > SONG_COUNT, f"not enough music in {source}"
    tree = folder / "tree"
    album = tree / "An album"
    album.mkdir(parents=True)
    for song in songs[:SONG_COUNT]:
        shutil.copyfile(song, album / song.name)
    (tree / "Odd").mkdir()
    shutil.copyfile(songs[SONG_COUNT], os.fsencode(tree / "Odd") + b"/" + ODD_NAME)
    (tree / "broken.mp3").write_bytes(b"this was never music" * 5000)
    (tree / "empty.flac").touch()
    (tree / "notes.txt").write_text("no audio, no failure\n")
    (tree / "locked").mkdir()
    shutil.copyfile(songs[0], tree / "locked" / "unseen.ogg")
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)

    disk = folder / "music.img"
    music.make(disk, tree, tools, step)
    # locked in the image, not in the folder, which the user who runs the tests must be able to read
    command = tools.native("debugfs", "-w", "-R", "set_inode_field /locked mode 040000", str(disk))
    subprocess.run(command, check=True, capture_output=True, env=tools.environment())
    return MusicDisk(
        disk,
        tracks=SONG_COUNT + 1,
        failures={
            f"{MOUNT_POINT}/broken.mp3": "",
            f"{MOUNT_POINT}/empty.flac": "empty",
            f"{MOUNT_POINT}/locked": "Permission denied",
        },
    )
