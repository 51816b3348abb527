"""What lies in a folder, by the names: music and folders, what is beside the music, and what is left out."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from soniquebay.audio.companions.names import is_companion
from soniquebay.audio.file_names import is_audio, is_playlist
from soniquebay.audio.picture_names import is_picture
from soniquebay.library.ignore_files import IGNORE_FILE_NAMES
from soniquebay.library.left_out import reason_of_name
from soniquebay.library.paths import encode

Entry = tuple[str, "os.DirEntry[str]", bool]  # encoded name, entry, and whether it is a folder


class Beside(NamedTuple):
    """What lies beside the music in a folder."""

    pictures: "list[os.DirEntry[str]]"
    companions: "list[os.DirEntry[str]]"
    playlists: "list[os.DirEntry[str]]"

    def add(self, entry: "os.DirEntry[str]") -> bool:
        """Add an entry where it belongs; return whether it is any of these."""
        if is_picture(entry.name):
            self.pictures.append(entry)
        elif is_companion(entry.name):
            self.companions.append(entry)
        elif is_playlist(entry.name):
            self.playlists.append(entry)
        else:
            return False
        return True


def sort_out(
    entries: "Iterator[os.DirEntry[str]]", beside: Beside, *, is_root: bool
) -> tuple[list[Entry], list[str], list[tuple[str, str, bool]]]:
    """Return what to read and to enter in a folder, the names of its ignore files, and what its name leaves out.

    The last is a reason, an encoded name, and whether it is a folder. The encoded name of a folder to enter ends with a
    slash, so that it sorts as the paths below it do. What lies beside the music is added to `beside`.
    """
    found: list[Entry] = []
    ignore_files: list[str] = []
    left_out: list[tuple[str, str, bool]] = []
    for entry in entries:
        name = entry.name
        try:
            is_folder = entry.is_dir()
        except OSError:  # a broken link; its stat() fails later and is recorded then
            is_folder = False
        is_music = is_folder or is_audio(name)
        if not is_music and name in IGNORE_FILE_NAMES:
            ignore_files.append(name)
            continue
        if not is_music and beside.add(entry):
            continue
        reason = reason_of_name(name, entry.path, is_folder=is_folder, is_in_root=is_root)
        if reason is None and not is_music:
            continue
        encoded = name if name.isascii() and "\\" not in name else encode(name)
        if reason is None:
            found.append((encoded + "/" if is_folder else encoded, entry, is_folder))
        else:
            left_out.append((reason, encoded, is_folder))
    return found, ignore_files, left_out
