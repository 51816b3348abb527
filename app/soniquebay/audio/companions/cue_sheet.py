"""Cue sheets: what each track of each file is called, and where it begins.

The commands are those of CDRWIN's user guide, "Cue-Sheet Commands", and the remarks (REM) that Exact Audio Copy,
foobar2000 and others write. A sheet says of a track what it says of the disc, unless the track says it itself.
"""

import re
from dataclasses import dataclass, field

from soniquebay.audio.companions.text import CompanionError

FRAMES_PER_SECOND = 75
MAX_TRACKS = 999  # a compact disc has 99
_MAX_LINE_CHARACTERS = 2000
_MAX_SECONDS = 59
_TIME = re.compile("([0-9]{1,5}):([0-9]{1,2}):([0-9]{1,2})")
_FILE_TYPE = re.compile(r"\s+(?:BINARY|MOTOROLA|AIFF|WAVE|MP3|FLAC|APE|OGG|WAV)$", re.IGNORECASE)


class CueSheetError(CompanionError):
    """A cue sheet is broken, or contradicts itself or its file."""


@dataclass(slots=True)
class CueTrack:
    """A track of a sheet. `texts` are by command in lower case, those of remarks by their name."""

    number: int
    is_audio: bool
    texts: dict[str, list[str]] = field(default_factory=dict)
    start_frames: int | None = None  # of INDEX 01, in its file


@dataclass(slots=True)
class CueFile:
    """A file that a sheet names, and the tracks that begin in it."""

    name: str
    tracks: list[CueTrack] = field(default_factory=list)


@dataclass(slots=True)
class CueSheet:
    """What a sheet says of the disc, and its files."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    files: list[CueFile] = field(default_factory=list)


_TEXTS = frozenset({"title", "performer", "songwriter", "isrc", "catalog"})
_LINE_END = re.compile("\r\n?|\n")  # no other character ends a line: it may stand in a title


def parse(text: str) -> CueSheet:
    """Return what a sheet says. Commands that are not known are skipped.

    Raises `CueSheetError` when a track or an index makes no sense.
    """
    sheet = CueSheet()
    tracks: list[CueTrack] = []
    for number, line in enumerate(_LINE_END.split(text), start=1):
        command, rest = _split(line)
        if command == "rem":
            command, rest = _split(rest)
            _add(tracks[-1] if tracks else sheet, command, rest)
        elif command in _TEXTS:
            _add(tracks[-1] if tracks else sheet, command, rest)
        elif command == "file":
            sheet.files.append(CueFile(_file_name(rest)))
        elif command == "track":
            tracks.append(_track(rest, number))
            if len(tracks) > MAX_TRACKS:
                raise CueSheetError(f"it has more than {MAX_TRACKS} tracks")
        elif command == "index":
            if not tracks:
                raise CueSheetError(f"line {number}: an index stands before any track")
            if not sheet.files:
                sheet.files.append(CueFile(""))  # as some sheets within files begin
            _index(sheet.files[-1], tracks[-1], rest, number)
    for track in tracks:
        if track.is_audio and track.start_frames is None:
            raise CueSheetError(f"track {track.number} has no INDEX 01")
    return sheet


def _split(line: str) -> tuple[str, str]:
    """Return the first word of a line in lower case, and what follows it."""
    words = line[:_MAX_LINE_CHARACTERS].split(maxsplit=1)
    return (words[0].lower() if words else "", words[1].strip() if len(words) > 1 else "")


def _add(owner: CueSheet | CueTrack, name: str, value: str) -> None:
    text = _unquoted(value)
    if text:
        owner.texts.setdefault(name, []).append(text)


def _unquoted(text: str) -> str:
    """Return text without the quotation marks around it; those within it stay, as nobody escapes them."""
    text = text.strip()
    if text.startswith('"'):
        end = text.rfind('"')
        text = text[1:end] if end else text[1:]
    return text.strip()


def _file_name(rest: str) -> str:
    return _unquoted(rest) if rest.startswith('"') else _FILE_TYPE.sub("", rest)


def _track(rest: str, line: int) -> CueTrack:
    number, kind = _split(rest)
    if not re.fullmatch("[0-9]{1,4}", number):
        raise CueSheetError(f"line {line}: {number!r} is not the number of a track")
    return CueTrack(int(number), (kind or "audio").lower() == "audio")


def _index(file: CueFile, track: CueTrack, rest: str, line: int) -> None:
    number, time = _split(rest)
    match = _TIME.fullmatch(time)
    if match is None or int(match[2]) > _MAX_SECONDS or int(match[3]) >= FRAMES_PER_SECOND:
        raise CueSheetError(f"line {line}: {time!r} is not minutes:seconds:frames")
    if number not in {"1", "01"}:
        return  # INDEX 00 is the gap before a track, those from 02 on lie within it
    if track.start_frames is not None:
        raise CueSheetError(f"track {track.number} begins twice")
    track.start_frames = (60 * int(match[1]) + int(match[2])) * FRAMES_PER_SECOND + int(match[3])
    # Its file is the one that was named last: where gaps stand at the end of files, that is named within the track.
    file.tracks.append(track)
