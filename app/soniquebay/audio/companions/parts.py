"""The parts of an audio file that a cue sheet makes tracks of."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from soniquebay.audio.companions.cue_sheet import FRAMES_PER_SECOND, CueFile, CueSheet, CueSheetError
from soniquebay.audio.companions.names import has_name_of, named_files
from soniquebay.audio.reading.content import FileContent, content_of
from soniquebay.audio.reading.raw import RawContent

MIN_PARTS = 2  # one track in a file adds nothing: the file is a track already

# What the commands of a sheet are called as Vorbis comments, by which they and the remarks get their canonical names.
_OF_DISC = {"title": "album", "performer": "albumartist", "songwriter": "composer", "catalog": "barcode"}
_OF_TRACK = {"title": "title", "performer": "artist", "songwriter": "composer", "isrc": "isrc"}
# What the tags of a file say of all that is in it as one, and that is true of none of its parts.
_OF_WHOLE_FILE = frozenset(
    {
        "title", "subtitle", "title_sort", "track", "track_total", "isrc", "lyrics", "synced_lyrics", "cuesheet", "bpm",
        "key", "rating", "play_count", "replaygain_track_gain", "replaygain_track_peak", "r128_track_gain",
        "mb_recording", "mb_track", "mb_work", "work", "movement", "movement_number", "movement_total",
    }
)  # fmt: skip
# What goes with a name, and is wrong beside another one.
_WITH = {
    "artist": ("artists", "artist_sort", "artists_sort", "mb_artist"),
    "album_artist": ("album_artists", "album_artist_sort", "album_artists_sort", "mb_album_artist"),
    "album": ("album_sort", "mb_album", "mb_release_group", "album_version"),
    "composer": ("composer_sort",),
}


@dataclass(slots=True)
class Part:
    """A part of a file: where it begins and how long it is, in seconds, and what is said of it by canonical name."""

    start: float
    duration: float
    tags: dict[str, list[str]]


def file_in(sheet: CueSheet, sheet_name: str, audio_name: str, folder: Sequence[str]) -> CueFile | None:
    """Return what a sheet beside an audio file says of it; None if it means other files.

    `folder`: the names beside the sheet. A sheet that names one file which is not there means the one that is called as
    the sheet is.
    """
    for file in sheet.files:
        if audio_name in named_files(file.name, folder):
            return file
    if len(sheet.files) == 1 and has_name_of(sheet_name, audio_name) and is_lost(sheet, folder):
        return sheet.files[0]
    return None


def is_lost(sheet: CueSheet, folder: Iterable[str]) -> bool:
    """Tell whether none of the files that a sheet names is in the folder."""
    names = list(folder)
    return not any(named_files(file.name, names) for file in sheet.files)


def has_titles(file: CueFile) -> bool:
    """Tell whether any track of a file has a title. The sheet of a FLAC block has none."""
    return any("title" in track.texts for track in file.tracks)


def parts_of(sheet: CueSheet, file: CueFile, content: FileContent) -> list[Part]:
    """Return the parts of a file; none if the sheet has fewer than `MIN_PARTS` tracks in it.

    Raises `CueSheetError` when the tracks do not follow one another, or begin behind the file's end.
    """
    tracks = [track for track in file.tracks if track.is_audio]
    if len(tracks) < MIN_PARTS:
        return []
    disc = _tags(_named(sheet.texts, _OF_DISC), content)
    parts = []
    for track, (start, end) in zip(tracks, _ranges(file, content.sound.duration), strict=True):
        said = _tags(_named(track.texts, _OF_TRACK), content)
        said.setdefault("title", [f"Track {track.number:02}"])
        said["track"], said["track_total"] = [str(track.number)], [str(_last_number(sheet))]
        if "artist" not in said and "album_artist" in disc:
            said["artist"] = disc["album_artist"]
        parts.append(Part(start, round(end - start, 3), _merged(content.tags, {**disc, **said})))
    return parts


def _ranges(file: CueFile, duration: float) -> list[tuple[float, float]]:
    """Return where each track of sound begins and ends, in seconds; data between them belongs to none."""
    starts = [(track.start_frames or 0) / FRAMES_PER_SECOND for track in file.tracks]
    ends = [*starts[1:], math.inf]
    ranges = []
    for track, start, end in zip(file.tracks, starts, ends, strict=True):
        if end <= start:
            raise CueSheetError(f"track {track.number} does not begin before the next one")
        if start >= duration:
            raise CueSheetError(f"track {track.number} begins at {start:.0f} s, and the file ends at {duration:.0f} s")
        if track.is_audio:
            ranges.append((start, min(end, duration)))
    return ranges


def _last_number(sheet: CueSheet) -> int:
    return max(track.number for file in sheet.files for track in file.tracks if track.is_audio)


def _named(texts: Mapping[str, list[str]], names: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the texts of a sheet as if they were Vorbis comments; a command counts before a remark of its name."""
    found: dict[str, list[str]] = {}
    for name, values in texts.items():
        if name not in names:
            found.setdefault(name, []).extend(values)
    for name, comment in names.items():
        if name in texts:
            found[comment] = texts[name]
    return found


def _tags(comments: dict[str, list[str]], content: FileContent) -> dict[str, list[str]]:
    tags = content_of(RawContent("vorbis", comments, content.sound)).tags
    return {name: values for name, values in tags.items() if name != "cuesheet"}


def _merged(of_file: Mapping[str, list[str]], of_sheet: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return what a sheet says, and what the tags of its file add to it."""
    dropped = set(_OF_WHOLE_FILE)
    for name, others in _WITH.items():
        if name in of_sheet and _folded(of_sheet[name]) != _folded(of_file.get(name, ())):
            dropped.update(others)
    return {name: values for name, values in of_file.items() if name not in dropped} | dict(of_sheet)


def _folded(values: Iterable[str]) -> list[str]:
    return [value.casefold() for value in values]
