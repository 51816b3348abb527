"""Cue sheets as people have them: what is read from them, and what is wrong with some."""

from contextlib import suppress

import pytest

from soniquebay.audio.companions import cue_sheet, parts
from soniquebay.audio.companions.cue_sheet import CueSheetError
from soniquebay.audio.companions.names import has_name_of, is_companion, named_files
from soniquebay.audio.companions.text import CompanionError, decode_text
from soniquebay.audio.reading.content import FileContent
from soniquebay.audio.reading.raw import Sound

EAC = """\
REM GENRE "Alternative Rock"
REM DATE 1997
REM DISCID 9A0B2C0C
REM COMMENT "ExactAudioCopy v1.3"
REM DISCNUMBER 2
REM REPLAYGAIN_ALBUM_GAIN -7.50 dB
CATALOG 0724385522925
PERFORMER "The Band"
TITLE "An "Odd" Album"
FILE "CDImage.wav" WAVE
  TRACK 01 AUDIO
    TITLE "First"
    PERFORMER "The Band feat. Guest"
    SONGWRITER "A. Writer"
    ISRC GBAYE9700116
    FLAGS DCP
    REM REPLAYGAIN_TRACK_GAIN -6.10 dB
    INDEX 00 00:00:00
    INDEX 01 00:00:33
  TRACK 02 AUDIO
    TITLE "Second"
    INDEX 00 04:40:10
    INDEX 01 04:43:37
    INDEX 02 05:00:00
  TRACK 03 AUDIO
    PREGAP 00:02:00
    INDEX 01 71:10:74
"""


def content(seconds: float = 4500.0, **tags: str) -> FileContent:
    return FileContent({name: [value] for name, value in tags.items()}, Sound("FLAC", "FLAC", seconds))


def split(text: str, seconds: float = 4500.0, **tags: str) -> list[parts.Part]:
    sheet = cue_sheet.parse(text)
    return parts.parts_of(sheet, sheet.files[0], content(seconds, **tags))


def test_a_sheet_of_exact_audio_copy_is_read() -> None:
    first, second, third = split(EAC)
    assert first.tags == {
        "title": ["First"], "artist": ["The Band feat. Guest"], "album": ['An "Odd" Album'],
        "album_artist": ["The Band"], "composer": ["A. Writer"], "isrc": ["GBAYE9700116"], "date": ["1997"],
        "genre": ["Alternative Rock"], "comment": ["ExactAudioCopy v1.3"], "disc": ["2"], "track": ["1"],
        "barcode": ["0724385522925"], "track_total": ["3"], "replaygain_album_gain": ["-7.50 dB"],
        "replaygain_track_gain": ["-6.10 dB"],
    }  # fmt: skip
    assert (second.tags["artist"], "composer" in second.tags, second.tags["track"]) == (["The Band"], False, ["2"])
    assert third.tags["title"] == ["Track 03"]
    assert [part.start for part in (first, second, third)] == pytest.approx([33 / 75, 283 + 37 / 75, 4270 + 74 / 75])
    assert [part.duration for part in (first, second, third)] == pytest.approx([283.053, 3987.493, 229.013])


def test_the_tags_of_the_file_fill_in_what_the_sheet_leaves_open() -> None:
    sheet = 'FILE "x" WAVE\nTRACK 1 AUDIO\nTITLE A\nINDEX 1 0:0:0\nTRACK 2 AUDIO\nTITLE B\nPERFORMER Y\nINDEX 1 0:2:0'
    tags = {
        "title": "Whole", "artist": "X", "mb_artist": "x", "album": "Z", "mb_album": "z", "mb_recording": "r",
        "cuesheet": sheet, "lyrics": "la", "replaygain_track_gain": "-1", "replaygain_album_gain": "-2",
    }  # fmt: skip
    first, second = split(sheet, 9.0, **tags)
    of_album = {"album": ["Z"], "mb_album": ["z"], "replaygain_album_gain": ["-2"], "track_total": ["2"]}
    assert first.tags == {"title": ["A"], "artist": ["X"], "mb_artist": ["x"], "track": ["1"], **of_album}
    assert second.tags == {"title": ["B"], "artist": ["Y"], "track": ["2"], **of_album}


def test_the_sheet_counts_before_the_tags_and_takes_no_ids_of_other_names() -> None:
    sheet = 'PERFORMER B\nTITLE "New"\n' + EAC[EAC.index("FILE") :]
    tags = split(sheet, album="old", mb_album="m", album_artist="b", mb_album_artist="i")[1].tags
    assert (tags["album"], tags.get("mb_album")) == (["New"], None)
    assert (tags["album_artist"], tags["mb_album_artist"], tags["artist"]) == (["B"], ["i"], ["B"])


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('FILE "a b.wav" WAVE', "a b.wav"),
        ("file a b.wav wave", "a b.wav"),
        ("FILE a.flac", "a.flac"),
        ("\tFILE\t'a'.ape\tWAVE\t", "'a'.ape"),
        ('FILE "a "b".wav" WAVE', 'a "b".wav'),
        ('FILE "not closed.wav', "not closed.wav"),
    ],
)
def test_names_of_files_are_read_with_and_without_quotation_marks(line: str, name: str) -> None:
    assert cue_sheet.parse(line).files[0].name == name


def test_lines_end_as_they_did_on_every_system_and_not_within_titles() -> None:
    for end in ("\r\n", "\r", "\n"):
        title = end.join(("FILE x WAVE", "TRACK 01 AUDIO", "TITLE a\u2028b\x85c", "INDEX 01 00:00:00"))
        assert cue_sheet.parse(title).files[0].tracks[0].texts == {"title": ["a\u2028b\x85c"]}


def test_data_tracks_are_no_parts_and_end_the_track_before_them() -> None:
    text = (
        "FILE x WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 01 00:10:00\n"
        "TRACK 03 MODE1/2352\nINDEX 01 00:20:00\n"
    )
    assert [(part.start, part.duration) for part in split(text)] == [(0, 10), (10, 10)]


def test_each_file_of_a_sheet_has_the_tracks_that_begin_in_it() -> None:
    # The gap of track 2 stands at the end of the file of track 1, as Exact Audio Copy can write it.
    text = (
        "FILE 1.wav WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 00 03:00:00\n"
        "FILE 2.wav WAVE\nINDEX 01 00:00:00\nFILE B.wav WAVE\nTRACK 03 AUDIO\nINDEX 01 00:00:00\n"
        "TRACK 04 AUDIO\nINDEX 01 01:00:00\n"
    )
    sheet = cue_sheet.parse(text)
    assert [(file.name, [track.number for track in file.tracks]) for file in sheet.files] == [
        ("1.wav", [1]), ("2.wav", [2]), ("B.wav", [3, 4])
    ]  # fmt: skip
    assert [len(parts.parts_of(sheet, file, content())) for file in sheet.files] == [0, 0, 2]
    assert parts.parts_of(sheet, sheet.files[2], content())[0].tags["track_total"] == ["4"]


def two(second: str) -> str:
    return f"FILE x WAVE\nTRACK 01 AUDIO\nINDEX 01 00:10:00\nTRACK 02 AUDIO\n{second}\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (two("INDEX 01 00:10:00"), "track 1 does not begin before the next one"),
        (two("INDEX 01 00:05:00"), "track 1 does not begin before the next one"),
        (two("INDEX 01 02:00:00"), "track 2 begins at 120 s, and the file ends at 120 s"),
        (two("INDEX 01 00:60:00"), "line 5: '00:60:00' is not minutes:seconds:frames"),
        (two("INDEX 01 00:20:75"), "line 5: '00:20:75' is not minutes:seconds:frames"),
        (two("INDEX 01 -1:20:00"), "line 5: '-1:20:00' is not minutes:seconds:frames"),
        (two("INDEX 01"), "line 5: '' is not minutes:seconds:frames"),
        (two("INDEX 00 00:20:00"), "track 2 has no INDEX 01"),
        (two("INDEX 01 00:20:00\nINDEX 01 00:30:00"), "track 2 begins twice"),
        ("FILE x WAVE\nINDEX 01 00:00:00", "line 2: an index stands before any track"),
        ("FILE x WAVE\nTRACK one AUDIO", "line 2: 'one' is not the number of a track"),
        ("FILE x WAVE\n" + "TRACK 01 AUDIO\n" * 1000, "it has more than 999 tracks"),
    ],
)
def test_a_sheet_that_contradicts_itself_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(CueSheetError) as error:
        split(text, 120.0)
    assert str(error.value) == reason


@pytest.mark.parametrize("text", ["", "\0", "TITLE x", "FILE", "TRACK", "REM", '"', 'TITLE "', "INDEX 01", "x" * 9999])
def test_nonsense_gives_no_parts_and_no_other_error(text: str) -> None:
    with suppress(CueSheetError):
        assert all(not file.tracks for file in cue_sheet.parse(text).files)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("Album.flac", ["Album.flac"]),
        ("ALBUM.FLAC", ["Album.flac"]),
        ("album.wav", ["Album.ape", "Album.flac"]),
        ("Album.cue", ["Album.ape", "Album.flac"]),
        ("Cafe\u0301.wav", ["Caf\xe9.flac"]),
        ("Other.wav", []),
        ("sub/Album.flac", []),
        ("../Album.flac", []),
        ("/music/Album.flac", []),
        ("C:\\rips\\Album.flac", []),
        ("", []),
    ],
)
def test_a_sheet_names_files_of_its_folder_by_any_suffix(name: str, files: list[str]) -> None:
    folder = ["Album.ape", "Album.cue", "Album.flac", "Albums.flac", "Caf\xe9.flac", "Other.jpg"]
    assert named_files(name, folder) == files


def test_a_sheet_whose_file_is_not_there_means_the_file_that_is_called_as_it_is() -> None:
    folder = ["Album.cue", "Album.flac", "Other.flac"]
    for name in ("C:\\rips\\CDImage.wav", "CDImage.wav"):
        sheet = cue_sheet.parse(f'FILE "{name}" WAVE')
        assert parts.file_in(sheet, "Album.cue", "Album.flac", folder) is sheet.files[0]
        assert parts.file_in(sheet, "Album.cue", "Other.flac", folder) is None
        assert parts.is_lost(sheet, folder)
    other = cue_sheet.parse('FILE "other.wav" WAVE')
    assert parts.file_in(other, "Album.cue", "Album.flac", folder) is None  # it means another file
    several = cue_sheet.parse("FILE 1.wav WAVE\nFILE 2.wav WAVE")
    assert parts.file_in(several, "Album.cue", "Album.flac", folder) is None


def test_companions_are_known_by_their_names() -> None:
    names = ("a.cue", "A.CUE", "a.Lrc", ".cue", "a.txt", "cue", "._a.cue", "")
    assert [name for name in names if is_companion(name)] == ["a.cue", "A.CUE", "a.Lrc"]
    assert has_name_of("song.LRC", "Song.flac")
    assert has_name_of("Song.flac.lrc", "Song.flac")
    assert not has_name_of("Song 2.lrc", "Song.flac")


@pytest.mark.parametrize(
    ("data", "encoding", "is_doubtful"),
    [
        ("TITLE Ü Привет".encode(), "", False),
        ("TITLE Ü Привет".encode("utf-8-sig"), "", False),
        ("TITLE Ü Привет".encode("utf-16"), "", False),
        (b"\xfe\xff" + "TITLE Ü Привет".encode("utf-16-be"), "", False),
        ("TITLE Привет".encode("cp1251"), "cp1251", False),
        ("TITLE Привет".encode("cp1251"), "", True),
        ("TITLE Glück".encode("cp1252"), "", False),
        ("TITLE 夜に駆ける".encode("cp932"), "cp932", False),
    ],
)
def test_the_encoding_is_recognised_or_the_one_of_the_settings(data: bytes, encoding: str, is_doubtful: bool) -> None:
    text, doubtful = decode_text(data, encoding)
    assert doubtful == is_doubtful
    assert text in {"TITLE Ü Привет", "TITLE Привет", "TITLE Glück", "TITLE 夜に駆ける", "TITLE Ïðèâåò"}


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(CompanionError, match="it is not text"):
        decode_text(b"CUE\0\1\2")
