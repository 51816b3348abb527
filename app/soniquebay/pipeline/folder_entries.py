"""What lies in a folder, by the names: music and folders, what is beside the music, and what is left out."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from soniquebay.audio.companions.names import is_companion
from soniquebay.audio.file_names import is_audio, is_playlist
from soniquebay.audio.picture_names import is_picture
from soniquebay.library.ignore_files import IGNORE_FILE_NAMES
from soniquebay.library.left_out import folder_reason, hidden_audio_reason, other_file_reason
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
        reason = None
        if is_folder:
            reason = folder_reason(name, is_in_root=is_root)
        elif is_audio(name):
            if name[0] == ".":
                reason = hidden_audio_reason(name, entry.path)
        elif name in IGNORE_FILE_NAMES:
            ignore_files.append(name)
            continue
        elif beside.add(entry):
            continue
        else:
            reason = other_file_reason(name)
            if reason is None:
                continue
        encoded = name if name.isascii() and "\\" not in name else encode(name)
        if reason is None:
            found.append((encoded + "/" if is_folder else encoded, entry, is_folder))
        else:
            left_out.append((reason, encoded, is_folder))
    return found, ignore_files, left_out
