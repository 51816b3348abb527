"""What is no music is left out of a walk, and told."""

import errno
import os
from pathlib import Path

import pytest

from soniquebay.library import ignore_files
from soniquebay.library.ignore_files import MAX_IGNORE_FILE_BYTES
from soniquebay.library.paths import encode
from soniquebay.pipeline.walk import Walk

APPLE_DOUBLE = bytes.fromhex("00051607 00020000") + b"Mac OS X        "


def make(root: Path, *names: str, content: bytes = b"x") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def walked(walk: Walk, top: Path) -> list[str]:
    return [path.removeprefix(encode(str(top)) + "/") for path, size, _, _ in walk.files(str(top)) if size >= 0]


def told(walk: Walk, top: Path) -> dict[str, tuple[int, int, str]]:
    """Return files, folders and example by reason."""
    return {
        told["reason"]: (told["files"], told["folders"], told["example"].removeprefix(encode(str(top))))
        for told in walk.left_out
    }


BINS = [
    "#recycle", "@Recycle", "$RECYCLE.BIN", "$Recycle.Bin", "RECYCLER", ".Trashes", ".Trash", ".Trash-1000", ".recycle",
    ".Recycle.Bin", "Network Trash Folder", ".debris", "Rubbish", "files_trashbin",
]  # fmt: skip
VERSIONS = [
    "#snapshot", "@sharesnap", "@Recently-Snapshot", ".stversions", ".sync", ".snapshot", "~snapshot", ".snapshots",
    ".zfs", ".dropbox.cache", "files_versions", ".DocumentRevisions-V100", "Backups.backupdb", "_gsdata_",
]  # fmt: skip
SYSTEM = [
    "@eaDir", "@tmp", "@sharebin", ".@__thumb", ".AppleDouble", ".AppleDB", ".AppleDesktop", ".TemporaryItems",
    "Temporary Items", ".Spotlight-V100", ".fseventsd", "System Volume Information", "lost+found", "LOST.DIR",
    ".stfolder", "__MACOSX", ".streams", ".SynologyWorkingDirectory",
]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "reason"), [(BINS, "recycle bin"), (VERSIONS, "snapshots and old versions"), (SYSTEM, "system folder")]
)
@pytest.mark.parametrize("case", [str, str.lower, str.upper])
def test_folders_of_systems_are_not_entered_whatever_their_case(
    tmp_path: Path, names: list[str], reason: str, case: type[str]
) -> None:
    folders = sorted({case(name) for name in names})
    make(tmp_path, "Album/01.mp3", *(f"{name}/Album/01.mp3" for name in folders))
    walk = Walk()
    assert walked(walk, tmp_path) == ["Album/01.mp3"]
    assert {reason: counts[:2] for reason, counts in told(walk, tmp_path).items()} == {reason: (0, len(folders))}


def test_folders_with_like_names_are_entered(tmp_path: Path) -> None:
    names = [
        "Trash", "Recycle", "Recycled", "Snapshots", "Snapshot", "Archive", "lost and found", "#1 Record", "@home",
        ".hack", "Rubbish Heap", "Artist/Rubbish", "Artist/Recycler", "sync", "tmp", "eaDir", "Temporary", "zfs",
        "$RECYCLE", "Various.download",
    ]  # fmt: skip
    files = sorted(f"{name}/01.mp3" for name in names)
    make(tmp_path, *files)
    walk = Walk()
    assert sorted(walked(walk, tmp_path)) == files
    assert walk.left_out == []


def test_a_bin_with_a_plain_name_is_left_out_in_each_root(tmp_path: Path) -> None:
    make(tmp_path, "disk/RECYCLER/01.mp3", "folder/RECYCLER/01.mp3")
    walk = Walk(frozenset({encode(str(tmp_path)), encode(str(tmp_path / "disk"))}))
    assert walked(walk, tmp_path) == ["folder/RECYCLER/01.mp3"]
    assert told(walk, tmp_path) == {"recycle bin": (0, 1, "/disk/RECYCLER")}


def test_files_that_only_look_like_audio_are_left_out(tmp_path: Path) -> None:
    make(
        tmp_path, "song.mp3", "a.mp3.part", "b.flac.crdownload", "c.ogg.!qB", "d.m4a.partial", ".syncthing.e.mp3.tmp",
        "~syncthing~f.mp3.tmp", ".trashed-1790000000-g.mp3", ".pending-1790000000-h.mp3", "i.pdf.part", "tmp.tmp",
        "j.mp3.download/j.mp3", ".rsync-partial/k.mp3",
    )  # fmt: skip
    walk = Walk()
    assert walked(walk, tmp_path) == ["song.mp3"]
    assert {reason: counts[:2] for reason, counts in told(walk, tmp_path).items()} == {
        "recycle bin": (1, 0),
        "unfinished download or copy": (7, 2),
    }


def test_an_apple_double_is_told_from_a_song(tmp_path: Path) -> None:
    make(tmp_path, "a.mp3", "._a.mp3", "._odd song.mp3", ".hidden song.mp3")
    make(tmp_path, "._gone.mp3", content=APPLE_DOUBLE)
    os.mkfifo(tmp_path / "._pipe.mp3")
    walk = Walk()
    assert walked(walk, tmp_path) == ["._odd song.mp3", ".hidden song.mp3", "a.mp3"]
    assert told(walk, tmp_path) == {"AppleDouble: what macOS keeps beside a file": (2, 0, "/._a.mp3")}
    assert [failure["reason"] for failure in walk.failures] == ["not a regular file"]


def test_audio_of_a_format_that_is_not_read_is_told(tmp_path: Path) -> None:
    make(tmp_path, "a.mp3", "b.RA", "c.ra", "d.mid", "cover.jpg", "notes.txt", ".ra", "._e.mid")
    walk = Walk()
    assert walked(walk, tmp_path) == ["a.mp3"]
    assert {reason: counts[:2] for reason, counts in told(walk, tmp_path).items()} == {
        "format is not read: RealAudio": (2, 0),
        "format is not read: MIDI": (1, 0),
    }


@pytest.mark.parametrize(
    ("name", "content"), [(".nomedia", b""), (".nomedia", b"x"), (".ndignore", b""), (".ndignore", b"# all of it\n")]
)
def test_a_folder_is_left_out_by_its_ignore_file(tmp_path: Path, name: str, content: bytes) -> None:
    make(tmp_path, "Album/01.mp3", "Ringtones/01.mp3", "Ringtones/more/02.mp3")
    make(tmp_path, f"Ringtones/{name}", content=content)
    walk = Walk()
    assert walked(walk, tmp_path) == ["Album/01.mp3"]
    assert told(walk, tmp_path) == {f"ignored by {name}": (0, 1, "/Ringtones")}


def test_an_empty_soniquebayignore_and_a_folder_of_that_name_leave_out_nothing(tmp_path: Path) -> None:
    make(tmp_path, "a/01.mp3", "b/.nomedia/02.mp3", "b/03.mp3", "b/.ndignore/x.txt")
    make(tmp_path, "a/.soniquebayignore", content=b"")
    assert walked(Walk(), tmp_path) == ["a/01.mp3", "b/.nomedia/02.mp3", "b/03.mp3"]


def test_patterns_of_nested_folders_count_as_in_git(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "x/b.wav", "x/y/c.wav", "x/y/d.mp3", "demo/e.mp3", "demo/f/g.mp3", "x/demo/h.mp3", "i.ra")
    make(tmp_path, ".soniquebayignore", content=b"*.wav\n/demo/\n*.ra\n")
    make(tmp_path, "x/.soniquebayignore", content=b"!b.wav\n")
    make(tmp_path, "x/y/.ndignore", content=b"d.*\n")
    make(tmp_path, "demo/.soniquebayignore", content=b"!*\n")  # what lies below an ignored folder cannot be had back
    walk = Walk()
    assert walked(walk, tmp_path) == ["x/b.wav", "x/demo/h.mp3"]
    assert told(walk, tmp_path) == {
        "ignored by .soniquebayignore": (2, 1, "/a.wav"),
        "ignored by .ndignore": (1, 0, "/x/y/d.mp3"),
    }


def test_our_own_ignore_file_decides_before_that_of_navidrome(tmp_path: Path) -> None:
    make(tmp_path, "a.mp3", "b.mp3")
    make(tmp_path, ".ndignore", content=b"*.mp3")
    make(tmp_path, ".soniquebayignore", content=b"!a.mp3")
    assert walked(Walk(), tmp_path) == ["a.mp3"]


def test_names_that_are_not_utf8_and_backslashes_are_matched(tmp_path: Path) -> None:
    make(tmp_path, os.fsdecode(b"caf\xe9/a.mp3"), "b\\c.mp3", "d.mp3")
    make(tmp_path, ".soniquebayignore", content=b"caf\xe9/\nb\\\\*\n")
    assert walked(Walk(), tmp_path) == ["d.mp3"]


def test_the_walk_of_one_folder_follows_what_lies_above_it(tmp_path: Path) -> None:
    make(tmp_path, "a/b/c/01.mp3", "a/b/c/02.ogg", "#recycle/x/03.mp3", "n/m/04.mp3", "n/.nomedia", "RECYCLER/x/05.mp3")
    make(tmp_path, "a/.soniquebayignore", content=b"/b/c/*.ogg\n")
    roots = frozenset({encode(str(tmp_path))})
    assert walked(Walk(roots), tmp_path / "a" / "b" / "c") == ["01.mp3"]
    for folder, reason in (
        ("#recycle", "recycle bin"), ("#recycle/x", "recycle bin"), ("n/m", "ignored by .nomedia"),
        ("RECYCLER/x", "recycle bin"),
    ):  # fmt: skip
        walk = Walk(roots)
        assert walked(walk, tmp_path / folder) == []
        assert list(told(walk, tmp_path)) == [reason]
    make(tmp_path, ".soniquebayignore", content=b"/a/b\n")
    assert walked(Walk(roots), tmp_path / "a" / "b" / "c") == []


def test_a_root_is_walked_whatever_its_name(tmp_path: Path) -> None:
    make(tmp_path, "#recycle/a.mp3")
    assert walked(Walk(frozenset({encode(str(tmp_path / "#recycle"))})), tmp_path / "#recycle") == ["a.mp3"]


def test_a_root_of_which_nothing_is_wanted_is_not_an_empty_one(tmp_path: Path) -> None:
    make(tmp_path, "disk/a.mp3")
    root, disk = encode(str(tmp_path)), encode(str(tmp_path / "disk"))
    make(tmp_path, ".soniquebayignore", content=b"disk/")
    walk = Walk(frozenset({root, disk}))
    assert walked(walk, tmp_path) == []
    assert walk.files_by_root == {root: 1, disk: 1}
    make(tmp_path, ".nomedia")
    walk = Walk(frozenset({root, disk}))
    assert walked(walk, tmp_path) == []
    assert walk.files_by_root == {root: 1, disk: 1}


def test_an_ignore_file_that_cannot_be_followed_is_told(tmp_path: Path) -> None:
    make(tmp_path, "a/01.mp3", "b/02.mp3", "c/03.mp3")
    make(tmp_path, "a/.ndignore", content=b"*\n" * MAX_IGNORE_FILE_BYTES)
    make(tmp_path, "b/.ndignore", content=b"*\0")
    os.mkfifo(tmp_path / "c" / ".soniquebayignore")
    walk = Walk()
    assert walked(walk, tmp_path) == ["a/01.mp3", "b/02.mp3", "c/03.mp3"]
    assert [(failure["path"].removeprefix(encode(str(tmp_path))), failure["reason"]) for failure in walk.failures] == [
        ("/a/.ndignore", "is not followed: larger than 64 KiB"),
        ("/b/.ndignore", "is not followed: not a text file"),
        ("/c/.soniquebayignore", "is not followed: not a regular file"),
    ]


def test_nothing_is_decided_below_an_ignore_file_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a/01.mp3", "b/02.mp3")
    make(tmp_path, "a/.ndignore", content=b"*.ogg")

    def refuse(path: str) -> bytes:  # a mode of 000 does not stop root, who may run this test
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(ignore_files, "read_ignore_file", refuse)
    walk = Walk()
    assert [(path.removeprefix(encode(str(tmp_path))), size) for path, size, _, _ in walk.files(str(tmp_path))] == [
        ("/a/", -1), ("/b/02.mp3", 1)
    ]  # fmt: skip
    assert [failure["reason"] for failure in walk.failures] == ["cannot be read: .ndignore: Permission denied"]


def test_a_broken_link_is_no_ignore_file(tmp_path: Path) -> None:
    make(tmp_path, "a.mp3")
    (tmp_path / ".ndignore").symlink_to(tmp_path / "gone")
    walk = Walk()
    assert walked(walk, tmp_path) == ["a.mp3"]
    assert (walk.failures, walk.left_out) == ([], [])
