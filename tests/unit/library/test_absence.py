"""Why a file is in the library, or is not."""

import os
from pathlib import Path
from typing import Any

import pytest

from soniquebay.library import sessions
from soniquebay.library.absence import explain
from soniquebay.library.database import Database
from soniquebay.library.paths import encode
from tests.unit.songs import file, insert


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for name in (
        "Ada/song.flac", "Ada/cover.jpg", "Ada/#recycle/old.mp3", "Ada/._song.flac", "Ada/film.rm", "RECYCLER/x.mp3",
        "Talks/talk.mp3", "Podcasts/.nomedia", "Podcasts/one.mp3", "Live/live.mp3", "Live/Leeds/live.mp3",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / ".soniquebayignore").write_text("/Talks/\nlive.mp3\n")
    (folder / "Live/Leeds/.soniquebayignore").write_text("!live.mp3\n")
    os.mkfifo(folder / "Ada/pipe.mp3")
    return folder


def asked(db: Database, root: Path, name: str) -> dict[str, Any]:
    return explain(db.reader(), encode(str(root / name)), [encode(str(root))])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada/song.flac", ("waiting", None, None)),
        ("Ada", ("folder", None, None)),
        ("", ("folder", None, None)),
        ("Ada/cover.jpg", ("not_audio", None, None)),
        ("Ada/gone.flac", ("not_there", None, None)),
        ("Ada/song.flac/more.flac", ("not_there", None, None)),
        ("Podcasts/gone.mp3", ("not_there", None, None)),
        ("Ada/pipe.mp3", ("failed", "not a regular file", None)),
        ("Ada/#recycle/old.mp3", ("left_out", "recycle bin", "Ada/#recycle")),
        ("RECYCLER/x.mp3", ("left_out", "recycle bin", "RECYCLER")),
        ("Ada/._song.flac", ("left_out", "AppleDouble: what macOS keeps beside a file", "Ada/._song.flac")),
        ("Ada/film.rm", ("left_out", "format is not read: RealMedia", "Ada/film.rm")),
        ("Podcasts/one.mp3", ("left_out", "ignored by .nomedia", "Podcasts/.nomedia")),
        ("Talks/talk.mp3", ("left_out", "ignored by .soniquebayignore", ".soniquebayignore")),
        ("Live/live.mp3", ("left_out", "ignored by .soniquebayignore", ".soniquebayignore")),
        ("Live/Leeds/live.mp3", ("waiting", None, None)),
        ("../outside.mp3", ("outside", None, None)),
    ],
)
def test_what_becomes_of_a_file(
    db: Database, root: Path, name: str, expected: tuple[str, str | None, str | None]
) -> None:
    state, reason, rule = expected
    path = root.parent / "outside.mp3" if name.startswith("..") else name
    found = asked(db, root, str(path))
    assert (found["state"], found["reason"]) == (state, reason)
    assert found["rule"] == (None if rule is None else str(root / rule))


def test_a_track_is_in_the_library_and_a_missing_one_tells_where_its_file_is(db: Database, root: Path) -> None:
    insert(db, file(str(root / "Ada/song.flac")), file(str(root / "Ada/gone.flac")))
    with db.transaction() as connection:
        connection.execute("UPDATE tracks SET missing_since = 1 WHERE path LIKE '%gone%'")
    (song, gone) = (asked(db, root, f"Ada/{name}.flac") for name in ("song", "gone"))
    assert (song["state"], gone["state"]) == ("in_library", "not_there")
    assert {song["track_id"], gone["track_id"]} == {1, 2}


def test_a_failure_of_the_file_or_of_a_folder_above_is_the_reason(db: Database, root: Path) -> None:
    with db.transaction() as connection:
        first = sessions.start(connection)
        sessions.add_failures(
            connection, first, "extract", [{"path": str(root / "Ada/song.flac"), "reason": "no audio in it"}]
        )
        sessions.cancel(connection, first)
    found = asked(db, root, "Ada/song.flac")
    assert (found["state"], found["reason"], found["stage"]) == ("failed", "no audio in it", "extract")
    with db.transaction() as connection:
        second = sessions.start(connection)
        failed = [{"path": str(root / "Live"), "reason": "cannot be read: Input/output error"}]
        sessions.add_failures(connection, second, "discovery", failed, is_file=False)
    assert asked(db, root, "Live/Leeds/live.mp3")["reason"] == "cannot be read: Input/output error"
    assert asked(db, root, "Ada/cover.jpg")["state"] == "not_audio"


@pytest.mark.parametrize("path", ["Ada/song.flac", "/a/../b", "/a\\b", "/a\0b", "/\udcff"])
def test_a_text_that_is_no_absolute_encoded_path_is_refused(db: Database, root: Path, path: str) -> None:
    with pytest.raises(ValueError, match=r"path|surrogate"):
        explain(db.reader(), path, [str(root)])
