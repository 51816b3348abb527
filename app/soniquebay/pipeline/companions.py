"""Which files of a folder have companions: cue sheets and lyrics. A walk tells it with each file."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from soniquebay.audio.companions.names import has_name_of, is_cue_sheet
from soniquebay.pipeline.folder_pictures import stamp_of


class Companions(NamedTuple):
    """The names of a file's companions, and 63 bits that are others once one of them was added, changed or removed."""

    names: tuple[str, ...]  # Python's file-system strings
    stamp: int


class FolderCompanions:
    """The companions in one folder, by the audio file that they may belong to."""

    def __init__(self, companions: "Sequence[os.DirEntry[str]]", audio: Sequence[str]) -> None:
        """`audio`: the names of all audio files in the folder."""
        # What a sheet means is known once it is read, and depends on the files that are there.
        self._sheets = [entry for entry in companions if is_cue_sheet(entry.name)]
        self._lyrics = [entry for entry in companions if not is_cue_sheet(entry.name)]
        self._sheets_stamp = stamp_of(self._sheets, audio) if self._sheets else 0

    def of(self, audio: str) -> Companions | None:
        """Return the companions of an audio file; None without any."""
        lyrics = [entry for entry in self._lyrics if has_name_of(entry.name, audio)]
        entries = [*self._sheets, *lyrics]
        if not entries:
            return None
        stamp = self._sheets_stamp ^ (stamp_of(lyrics) if lyrics else 0)
        return Companions(tuple(sorted(entry.name for entry in entries)), stamp)
