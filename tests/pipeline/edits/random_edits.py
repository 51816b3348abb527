"""Edits of a library at random, as its owner makes them; each returns what it did and in which folders."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from soniquebay.audio.file_names import is_audio
from soniquebay.library.ignore_files import IGNORE_FILE_NAMES
from tests.pipeline.edits import random_library
from tests.pipeline.edits.random_library import (
    PICTURE_NAMES,
    random_lyrics,
    random_picture,
    random_sheet,
    random_suffix,
    write_song,
)  # fmt: skip
from tests.pipeline.edits.random_tags import album_tags, track_tags
from tests.support.song_files import song, untagged

Touched = list[Path]


class Library:
    """The folder of a library, and the place outside of it where things are put away."""

    def __init__(self, root: Path, away: Path, chance: random.Random) -> None:
        self.root, self.away, self.chance = root, away, chance
        away.mkdir(exist_ok=True)

    def files(self, *suffixes: str) -> list[Path]:
        """Return the audio files, or the files with these suffixes."""
        return sorted(
            path
            for path in self.root.rglob("*")
            if path.is_file() and (path.suffix.lower() in suffixes if suffixes else is_audio(path.name))
        )

    def file(self) -> Path:
        return self.chance.choice(self.files())

    def folder(self) -> Path:
        """Return a folder with music."""
        return self.chance.choice(sorted({path.parent for path in self.files()} - {self.root}))


def _retag(library: Library) -> Touched:
    path = library.file()
    write_song(library.chance, path, track_tags(library.chance, album_tags(library.chance), 1))
    return [path.parent]


def _retag_album(library: Library) -> Touched:
    folder, tags = library.folder(), album_tags(library.chance)
    for number, path in enumerate(sorted(filter(Path.is_file, folder.iterdir())), start=1):
        if is_audio(path.name):
            write_song(library.chance, path, track_tags(library.chance, tags, number))
    return [folder]


def _remove_tags(library: Library) -> Touched:
    path = library.file()
    song(path)
    return [path.parent]


def _rename(library: Library) -> Touched:
    path = library.file()
    path.rename(path.with_name(f"{library.chance.randrange(100)} renamed{path.suffix}"))
    return [path.parent]


def _move_file(library: Library) -> Touched:
    path, folder = library.file(), library.folder()
    target = folder / path.name
    if not target.exists():
        path.rename(target)
    return [path.parent, folder]


def _move_and_retag(library: Library) -> Touched:
    path, folder = library.file(), library.folder()
    target = folder / f"moved {path.name}"
    path.rename(target)
    write_song(library.chance, target, track_tags(library.chance, album_tags(library.chance), 2))
    return [path.parent, folder]


def _move_folder(library: Library) -> Touched:
    folder = library.folder()
    target = random_library.new_folder(library.chance, library.root)
    if folder in target.parents or target == folder:
        return []
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    return [folder.parent, target.parent]


def _delete_file(library: Library) -> Touched:
    path = library.file()
    path.unlink()
    return [path.parent]


def _delete_folder(library: Library) -> Touched:
    folder = library.folder()
    shutil.rmtree(folder)
    return [folder.parent]


def _put_away(library: Library) -> Touched:
    path = library.file()
    path.rename(library.away / f"{library.chance.randrange(10**6)}{path.suffix}")
    return [path.parent]


def _bring_back(library: Library) -> Touched:
    kept = sorted(library.away.iterdir())
    if not kept:
        return []
    path, folder = library.chance.choice(kept), library.folder()
    path.rename(folder / f"back {path.name}")
    return [folder]


def _add_album(library: Library) -> Touched:
    return [random_library.add_album(library.chance, library.root)]


def _add_file(library: Library) -> Touched:
    folder = library.folder()
    path = folder / f"{library.chance.randrange(100)} new{random_suffix(library.chance)}"
    if path.suffix != ".mka":  # whose writer needs a name in UTF-8
        write_song(library.chance, path, track_tags(library.chance, album_tags(library.chance), 3))
    return [folder]


def _copy_folder(library: Library) -> Touched:
    folder = library.folder()
    target = folder.with_name(f"{folder.name} copy {library.chance.randrange(1000)}")
    shutil.copytree(folder, target)
    return [target]


def _swap(library: Library) -> Touched:
    first = library.file()
    second = library.chance.choice(library.files(first.suffix))
    spare = library.away / "spare"
    first.rename(spare)
    if second.exists():
        second.rename(first)
    spare.rename(second)
    return [first.parent, second.parent]


def _touch(library: Library) -> Touched:
    path = library.file()
    os.utime(path)
    return [path.parent]


def _picture_in_folder(library: Library) -> Touched:
    folder = library.chance.choice((library.folder(), library.folder().parent))
    (folder / library.chance.choice(PICTURE_NAMES)).write_bytes(random_picture(library.chance))
    return [folder]


def _remove_picture(library: Library) -> Touched:
    pictures = library.files(".jpg", ".png")
    if not pictures:
        return []
    path = library.chance.choice(pictures)
    path.unlink()
    return [path.parent]


def _sheet(library: Library) -> Touched:
    images = [path for path in library.files(".flac", ".wv") if path.stem == "Image"]
    if not images:
        return []
    path = library.chance.choice(images)
    path.with_suffix(".cue").write_bytes(random_sheet(library.chance, path.name))
    return [path.parent]


def _remove_sheet(library: Library) -> Touched:
    sheets = library.files(".cue")
    if not sheets:
        return []
    path = library.chance.choice(sheets)
    path.unlink()
    return [path.parent]


def _lyrics(library: Library) -> Touched:
    path = library.file().with_suffix(".lrc")
    if path.exists():
        path.unlink()
    else:
        path.write_bytes(random_lyrics(library.chance))
    return [path.parent]


def _ignore(library: Library) -> Touched:
    folder = library.chance.choice((library.folder(), library.folder().parent))
    if folder == library.root:
        return []
    kind = library.chance.choice(sorted(IGNORE_FILE_NAMES))
    patterns = library.chance.choice(("*.mp3\n", "0[1-3]*\n!02*\n", "CD2/\n", "*.cue\n", "*.jpg\n"))
    (folder / kind).write_text(patterns)
    return [folder]


def _heed_again(library: Library) -> Touched:
    ignoring = sorted(path for path in library.root.rglob(".*") if path.name in IGNORE_FILE_NAMES)
    if not ignoring:
        return []
    path = library.chance.choice(ignoring)
    path.unlink()
    return [path.parent]


def _break(library: Library) -> Touched:
    path = library.file()
    data = path.read_bytes()
    path.write_bytes(library.chance.choice((b"", b"not music", data[: len(data) // 3], bytes(2000))))
    return [path.parent]


def _change_format(library: Library) -> Touched:
    path = library.file()
    path.write_bytes(untagged(random_suffix(library.chance)))
    return [path.parent]


EDITS: tuple[Callable[[Library], Touched], ...] = (
    _retag, _retag_album, _remove_tags, _rename, _move_file, _move_and_retag, _move_folder, _delete_file,
    _delete_folder, _put_away, _bring_back, _add_album, _add_file, _copy_folder, _swap, _touch, _picture_in_folder,
    _remove_picture, _sheet, _remove_sheet, _lyrics, _ignore, _heed_again, _break, _change_format,
)  # fmt: skip


def edit(library: Library, count: int) -> set[Path]:
    """Make some edits, print them, and return the folders to scan that are there."""
    touched: set[Path] = set()
    for change in library.chance.sample(EDITS, count):
        folders = change(library)
        print("  ", change.__name__.strip("_"), *(ascii(str(f.relative_to(library.root))) for f in folders))
        touched |= set(folders)
    return {next(there for there in (folder, *folder.parents) if there.is_dir()) for folder in touched}
