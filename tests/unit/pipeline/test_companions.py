"""Companions: which file they belong to, when a scan reads it again, and what it is then."""

import os
from pathlib import Path
from typing import Any

import pytest

from soniquebay.library.paths import encode
from soniquebay.pipeline.extract import extract
from soniquebay.pipeline.walk import Walk
from tests.support.audio_files import tone


def put(path: Path, text: str | bytes = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def walk(top: Path) -> dict[str, Any]:
    """Return the companions of each file by its path below `top`."""
    return {path.removeprefix(f"{top}/"): companions for path, _, _, companions in Walk().files(str(top))}


def names(top: Path) -> dict[str, tuple[str, ...]]:
    return {path: companions.names for path, companions in walk(top).items() if companions}


def test_sheets_belong_to_all_files_of_their_folder_and_lyrics_to_those_of_their_name(tmp_path: Path) -> None:
    for name in ("a/1.mp3", "a/2.mp3", "a/CD/3.mp3", "b/x.flac", "b/y.flac", "a/2.LRC", "a/other.lrc", "b/Z.CUE"):
        put(tmp_path / name)
    put(tmp_path / "c/only.cue")
    assert names(tmp_path) == {"a/2.mp3": ("2.LRC",), "b/x.flac": ("Z.CUE",), "b/y.flac": ("Z.CUE",)}


def test_an_ignored_companion_is_none(tmp_path: Path) -> None:
    for name in ("x.flac", "x.cue", "x.lrc"):
        put(tmp_path / name)
    put(tmp_path / ".soniquebayignore", "*.cue\n")
    assert names(tmp_path) == {"x.flac": ("x.lrc",)}


def test_every_change_of_a_companion_changes_the_stamp_of_its_files_alone(tmp_path: Path) -> None:
    for name in ("x.flac", "x.cue", "x.lrc", "sub/y.flac", "sub/y.lrc"):
        os.utime(put(tmp_path / name), ns=(1, 1))
    seen = [walk(tmp_path)]

    def changes() -> set[str]:
        seen.append(walk(tmp_path))
        return {path for path in seen[-1] if seen[-1][path] != seen[-2].get(path)}

    assert changes() == set()
    for companion in ("x.cue", "x.lrc"):
        os.utime(put(tmp_path / companion, "longer"), ns=(1, 1))
        assert changes() == {"x.flac"}
        os.utime(tmp_path / companion, ns=(2, 2))
        assert changes() == {"x.flac"}
        (tmp_path / companion).rename(tmp_path / f"{companion}.bak")
        assert changes() == {"x.flac"}
        (tmp_path / f"{companion}.bak").rename(tmp_path / companion)
        assert changes() == {"x.flac"}
    put(tmp_path / "w.flac")  # a sheet may mean a file that is new
    assert changes() == {"w.flac", "x.flac"}
    put(tmp_path / "sub/z.flac")
    assert changes() == set()


def test_a_link_to_nowhere_and_a_folder_are_no_companions(tmp_path: Path) -> None:
    put(tmp_path / "x.flac")
    (tmp_path / "x.cue").mkdir()
    assert names(tmp_path) == {}
    (tmp_path / "y.cue").symlink_to("nowhere")
    os.mkfifo(tmp_path / "z.cue")
    read = extract_file(tone(tmp_path / "x.flac"))
    assert [remark["reason"] for remark in read["remarks"]] == [
        "is not used: it cannot be read: No such file or directory", "is not used: it is not a regular file"
    ]  # fmt: skip


def extract_file(file: Path) -> Any:
    """Extract a file as a scan does that has walked its folder."""
    for path, size, mtime_ns, companions in Walk().files(str(file.parent)):
        if path == encode(str(file)):
            stamp: Any = {"path": path, "size": size, "mtime_ns": mtime_ns}
            if companions:
                stamp |= {"companions": [encode(n) for n in companions.names], "companion_stamp": companions.stamp}
            return extract(stamp)
    raise AssertionError(f"{file} was not walked")


SHEET = """\
PERFORMER "Die Ärzte"
TITLE "Album"
FILE "{}" WAVE
  TRACK 01 AUDIO
    TITLE "Eins"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Zwei"
    INDEX 01 00:01:00
"""


def titles(read: Any) -> list[str]:
    return [part["tags"]["title"] for part in read.get("parts", ())]


@pytest.mark.parametrize("name", ["x.flac", "X.WAV", "C:\\rips\\Image.wav"])
def test_a_sheet_beside_a_file_divides_it(tmp_path: Path, name: str) -> None:
    file = tone(tmp_path / "x.flac", title="Whole", album="Old", genre="Punk")
    put(tmp_path / "X.cue", SHEET.format(name).encode("cp1252"))
    read = extract_file(file)
    assert titles(read) == ["Eins", "Zwei"]
    assert [(part["start"], part["duration"]) for part in read["parts"]] == [(0.0, 1.0), (1.0, 1.0)]
    assert read["parts"][1]["tags"] == {
        "album": "Album", "album_artist": "Die Ärzte", "artist": "Die Ärzte", "genre": "Punk", "title": "Zwei",
        "track": "2", "track_total": "2",
    }  # fmt: skip
    assert "remarks" not in read


@pytest.mark.parametrize("suffix", [".flac", ".wv"])
def test_a_sheet_within_a_file_divides_it_unless_one_lies_beside_it(tmp_path: Path, suffix: str) -> None:
    file = tone(tmp_path / f"x{suffix}", cuesheet=SHEET.format("CDImage.wav"))
    assert titles(extract_file(file)) == ["Eins", "Zwei"]
    put(tmp_path / "x.cue", SHEET.format(file.name).replace("Eins", "One"))
    assert titles(extract_file(file)) == ["One", "Zwei"]


def test_of_several_sheets_that_mean_a_file_the_one_of_its_name_is_used(tmp_path: Path) -> None:
    for name in ("a", "x", "y"):
        put(tmp_path / f"{name}.cue", SHEET.format("x.flac").replace("Eins", name))
    assert titles(extract_file(tone(tmp_path / "x.flac"))) == ["x", "Zwei"]


def test_a_sheet_without_titles_within_a_file_says_nothing(tmp_path: Path) -> None:
    untitled = "\n".join(line for line in SHEET.splitlines() if "TITLE" not in line)
    assert titles(extract_file(tone(tmp_path / "x.flac", cuesheet=untitled))) == []
    put(tmp_path / "x.cue", untitled)
    assert titles(extract_file(tmp_path / "x.flac")) == ["Track 01", "Track 02"]


def test_each_side_of_a_record_has_its_own_tracks(tmp_path: Path) -> None:
    sheet = SHEET.format("A.flac") + (
        'FILE "B.flac" WAVE\nTRACK 03 AUDIO\nTITLE Drei\nINDEX 01 0:0:0\nTRACK 04 AUDIO\nTITLE Vier\nINDEX 01 0:1:0\n'
        'FILE "C.flac" WAVE\nTRACK 05 AUDIO\nTITLE Bonus\nINDEX 01 0:0:0'
    )
    put(tmp_path / "Record.cue", sheet)
    files = [tone(tmp_path / f"{side}.flac", title=side) for side in "ABC"]
    assert [titles(extract_file(file)) for file in files] == [["Eins", "Zwei"], ["Drei", "Vier"], []]


@pytest.mark.parametrize(
    ("sheet", "reason"),
    [
        (SHEET.format("x.flac").replace("00:01:00", "00:02:00"), "track 2 begins at 2 s, and the file ends at 2 s"),
        (SHEET.format("x.flac").replace("00:01:00", "00:00:00"), "track 1 does not begin before the next one"),
        (b"\0\1", "it is not text"),
        (b" " * 262145, "it is larger than 256 KiB"),
    ],
)
def test_a_sheet_that_is_not_used_is_told_with_its_reason(tmp_path: Path, sheet: str | bytes, reason: str) -> None:
    file = tone(tmp_path / "x.flac")
    path = put(tmp_path / "x.cue", sheet)
    read = extract_file(file)
    assert titles(read) == []
    assert read["remarks"] == [
        {"path": str(path), "reason": f"is not used: {reason}", "is_companion": True, "is_left_out": False}
    ]
    # The next best sheet is used then.
    put(tmp_path / "y.cue", SHEET.format("x.flac"))
    assert titles(extract_file(file)) == ["Eins", "Zwei"]


def test_a_broken_sheet_within_a_file_is_told(tmp_path: Path) -> None:
    file = tone(tmp_path / "x.flac", cuesheet=SHEET.format("x").replace("00:01:00", "00:09:00"))
    (remark,) = extract_file(file)["remarks"]
    reason = "the cue sheet within it is not used: track 2 begins at 9 s, and the file ends at 2 s"
    assert (remark["path"], remark["reason"]) == (str(file), reason)


def test_a_sheet_that_was_left_behind_is_told_once(tmp_path: Path) -> None:
    files = [tone(tmp_path / f"{number}.flac") for number in (1, 2)]
    put(tmp_path / "Album.cue", SHEET.format("Album.flac"))
    assert [len(extract_file(file).get("remarks", ())) for file in files] == [1, 0]
    (remark,) = extract_file(files[0])["remarks"]
    assert (remark["reason"], remark["is_left_out"]) == ("cue sheet of files that are not there", True)


def test_text_in_a_doubtful_code_page_is_marked(tmp_path: Path) -> None:
    file = tone(tmp_path / "x.flac")
    put(tmp_path / "x.cue", SHEET.format("x.flac").replace("Eins", "Привет").encode("cp1251", "ignore"))
    read = extract_file(file)
    assert (titles(read), read["doubtful_text"]) == (["Ïðèâåò", "Zwei"], True)


# --- lyrics ----------------------------------------------------------------------------------------------------------

TIMED = "[ti:Song]\r\n[00:01.50]La la\r\n[00:03.00]Süß\r\n"


def lyrics(read: Any) -> tuple[Any, Any]:
    return read["tags"].get("lyrics"), read["tags"].get("synced_lyrics")


@pytest.mark.parametrize("name", ["x.lrc", "X.LRC", "x.flac.lrc"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_timed_lyrics_beside_a_file_are_its_own(tmp_path: Path, name: str, encoding: str) -> None:
    file = tone(tmp_path / "x.flac", title="Song")
    put(tmp_path / name, TIMED.encode(encoding))
    assert lyrics(extract_file(file)) == (None, "[ti:Song]\n[00:01.50]La la\n[00:03.00]Süß")


def test_lyrics_beside_a_file_count_before_tags_of_the_same_kind(tmp_path: Path) -> None:
    file = tone(tmp_path / "x.flac", lyrics="plain tag", syncedlyrics="[00:01.00]timed\n[00:02.00]tag")
    assert lyrics(extract_file(file)) == ("plain tag", "[00:01.00]timed\n[00:02.00]tag")
    put(tmp_path / "x.flac.lrc", "not the nearest name")
    put(tmp_path / "x.lrc", "[00:01.00]timed\n[00:02.00]file")
    assert lyrics(extract_file(file)) == ("plain tag", "[00:01.00]timed\n[00:02.00]file")
    put(tmp_path / "x.lrc", "plain\nfile")
    assert lyrics(extract_file(file)) == ("plain\nfile", "[00:01.00]timed\n[00:02.00]tag")
    put(tmp_path / "x.lrc", " \n")
    assert lyrics(extract_file(file))[0] == "plain tag"


@pytest.mark.parametrize(
    ("text", "reason"), [(b"la\0la", "it is not text"), (b" " * 262145, "it is larger than 256 KiB")]
)
def test_lyrics_that_are_not_used_are_told_and_the_tags_stay(tmp_path: Path, text: bytes, reason: str) -> None:
    file = tone(tmp_path / "x.flac", lyrics="tag")
    path = put(tmp_path / "x.lrc", text)
    read = extract_file(file)
    assert lyrics(read) == ("tag", None)
    assert [(remark["path"], remark["reason"]) for remark in read["remarks"]] == [(str(path), f"is not used: {reason}")]


def test_lyrics_in_a_doubtful_code_page_are_marked_and_those_of_an_image_are_no_tracks(tmp_path: Path) -> None:
    file = tone(tmp_path / "x.flac")
    put(tmp_path / "x.lrc", "Привет".encode("cp1251"))
    assert extract_file(file)["doubtful_text"]
    put(tmp_path / "x.cue", SHEET.format("x.flac"))
    read = extract_file(file)
    assert (titles(read), [part["tags"].get("lyrics") for part in read["parts"]]) == (["Eins", "Zwei"], [None, None])
    assert "doubtful_text" not in read
