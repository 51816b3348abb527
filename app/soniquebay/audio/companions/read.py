"""What the companions of an audio file make of it: the parts that its cue sheet describes, or its lyrics."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from soniquebay.audio.companions import cue_sheet
from soniquebay.audio.companions.cue_sheet import CueFile, CueSheet, CueSheetError
from soniquebay.audio.companions.names import has_name_of, is_cue_sheet, named_files
from soniquebay.audio.companions.parts import Part, file_in, has_titles, parts_of
from soniquebay.audio.companions.text import CompanionError, read_text
from soniquebay.audio.file_names import is_audio
from soniquebay.audio.reading.content import MAX_LONG_VALUE_CHARACTERS, FileContent
from soniquebay.audio.reading.text import clean
from soniquebay.audio.reading.values import has_time_stamps

LOST_SHEET = "cue sheet of files that are not there"


@dataclass(slots=True)
class Remark:
    """Why a companion is not used; `path` is Python's file-system string. If it is `left_out`, nothing is wrong."""

    path: str
    reason: str
    left_out: bool = False


@dataclass(slots=True)
class Found:
    """The parts of a file, empty if it is one track, and why companions are not used."""

    parts: list[Part] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def apply_companions(path: str, content: FileContent, names: Iterable[str], tag_encoding: str = "") -> Found:
    """Return what a file (its path as Python's file-system string) is divided into.

    `names` are those of its companions. A sheet beside the file counts before one within it, and that which is called
    as the file is before others. A file that is one track gets the lyrics beside it, in `content`.
    """
    names = list(names)
    audio_name = path.rpartition("/")[2]
    sheets = sorted(filter(is_cue_sheet, names), key=lambda name: (not has_name_of(name, audio_name), name))
    reader = _SheetReader(path, content, tag_encoding)
    for name in sheets:
        if not reader.found.parts:
            reader.read_beside(name)
    if not reader.found.parts and "cuesheet" in content.tags:
        reader.read_within(content.tags["cuesheet"][0])
    lyrics = min((name for name in names if not is_cue_sheet(name)), key=len, default=None)
    if lyrics is not None and not reader.found.parts:
        _read_lyrics(reader.found, path.removesuffix(audio_name) + lyrics, content, tag_encoding)
    return reader.found


def _read_lyrics(found: Found, path: str, content: FileContent, tag_encoding: str) -> None:
    """Take lyrics from beside a file in place of those of the same kind, timed or plain, among its tags."""
    try:
        text, is_doubtful = read_text(path, tag_encoding)
    except CompanionError as error:
        found.remarks.append(Remark(path, f"is not used: {error}"))
        return
    lyrics = clean(text, MAX_LONG_VALUE_CHARACTERS, lines=True)
    if lyrics:
        content.tags["synced_lyrics" if has_time_stamps(lyrics) else "lyrics"] = [lyrics]
        content.doubtful_text |= is_doubtful


class _SheetReader:
    """Reads the sheets of one file."""

    def __init__(self, path: str, content: FileContent, tag_encoding: str) -> None:
        self.found = Found()
        self._path, self._content, self._tag_encoding = path, content, tag_encoding
        self._folder, _, self._name = path.rpartition("/")
        self._audio: list[str] | None = None  # the names of all audio files in the folder

    def read_beside(self, name: str) -> None:
        """Read a sheet beside the file, which may be that of other files."""
        path = f"{self._folder}/{name}"
        try:
            text, is_doubtful = read_text(path, self._tag_encoding)
            sheet = cue_sheet.parse(text)
            audio = self._audio_files()
            file = file_in(sheet, name, self._name, audio)
            if file is not None:
                self.found.parts = parts_of(sheet, file, self._content)
                self._content.doubtful_text |= is_doubtful
            elif audio[:1] == [self._name] and not any(file_in(sheet, name, other, audio) for other in audio):
                # Told once, though each file of the folder looks at the sheet.
                self.found.remarks.append(Remark(path, LOST_SHEET, left_out=True))
        except CompanionError as error:
            self.found.remarks.append(Remark(path, f"is not used: {error}"))

    def read_within(self, text: str) -> None:
        """Read the sheet among the tags of the file."""
        try:
            sheet = cue_sheet.parse(text)
            file = self._file_within(sheet)
            if file is not None and has_titles(file):
                self.found.parts = parts_of(sheet, file, self._content)
        except CueSheetError as error:
            self.found.remarks.append(Remark(self._path, f"the cue sheet within it is not used: {error}"))

    def _audio_files(self) -> list[str]:
        if self._audio is None:
            try:
                self._audio = sorted(filter(is_audio, os.listdir(self._folder or "/")))  # noqa: PTH208 - of strings
            except OSError:
                self._audio = []
        return self._audio

    def _file_within(self, sheet: CueSheet) -> CueFile | None:
        if len(sheet.files) == 1:
            return sheet.files[0]
        return next((file for file in sheet.files if named_files(file.name, [self._name])), None)
