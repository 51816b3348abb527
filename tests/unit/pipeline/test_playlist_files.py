"""A walk finds playlist files, and tells the API what the new and changed ones say."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from soniquebay.library.paths import encode
from soniquebay.pipeline import playlist_files
from soniquebay.pipeline.walk import Walk

Report = Callable[..., list[Any]]


def put(path: Path, data: bytes = b"a.mp3") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return encode(str(path))


def walked(top: Path) -> Walk:
    walk = Walk()
    assert list(walk.files(str(top))) == []
    return walk


def reasons(walk: Walk) -> dict[str, str]:
    return {failed["path"].rpartition("/")[2]: failed["reason"] for failed in walk.failures}


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Report:
    """Report a walk, of which the API wants all files, and return what was sent."""

    def send(walk: Walk, folders: list[str] | None = None) -> list[Any]:
        sent: list[Any] = []

        def post(path: str, body: Any) -> dict[str, Any]:
            sent.append(body)
            return {"wanted": [*body["found"]]} if path == "/internal/sessions/7/playlist-files" else {}

        monkeypatch.setattr(playlist_files.library_api, "post", post)
        playlist_files.report(7, walk, folders, {"/r": 1}, lambda: None)
        return sent

    return send


def test_a_walk_finds_playlist_files_by_their_names(tmp_path: Path) -> None:
    names = ["a.m3u", "b.M3U8", "deep/c.pls", "deep/d.Nsp"]
    for name in (*names, "._a.m3u", ".m3u", "e.xspf", "f.m3u.txt", "#recycle/g.m3u"):
        put(tmp_path / name)
    (tmp_path / "h.m3u").mkdir()
    os.utime(tmp_path / "a.m3u", ns=(2**62, 2**62))
    walk = walked(tmp_path)
    found = {os.path.relpath(path, tmp_path): stamp for path, stamp in walk.playlist_files.items()}
    assert sorted(found) == names
    assert found["a.m3u"] == (5, 2**62)
    assert (walk.failures, walk.unreadable) == ([], [])
    assert walk.files_by_root == {encode(str(tmp_path)): 0}  # playlists alone are no sign of a drive with music


def test_ignore_files_hold_for_playlist_files(tmp_path: Path) -> None:
    for name in ("a.m3u", "b.m3u", "c/d.m3u", "e/f.m3u"):
        put(tmp_path / name)
    put(tmp_path / ".soniquebayignore", b"a.*\nc/\n")
    put(tmp_path / "e" / ".nomedia", b"")
    walk = walked(tmp_path)
    assert list(walk.playlist_files) == [str(tmp_path / "b.m3u")]
    told = {told["reason"]: (told["files"], told["folders"]) for told in walk.left_out}
    assert told == {"ignored by .soniquebayignore": (1, 1), "ignored by .nomedia": (0, 1)}


def test_what_cannot_be_read_is_neither_gone_nor_used(tmp_path: Path, report: Report) -> None:
    os.mkfifo(tmp_path / "pipe.m3u")
    (tmp_path / "link.m3u").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    put(tmp_path / "later.m3u")
    put(tmp_path / "binary.m3u", b"\0")
    put(tmp_path / "good.m3u")
    walk = walked(tmp_path)
    (tmp_path / "later.m3u").unlink()
    os.mkfifo(tmp_path / "later.m3u")  # must not wait for a writer
    asked, sent = report(walk)
    assert asked["unreadable"] == [str(tmp_path / "link.m3u")]
    assert [file["name"] for file in sent["files"]] == ["good"]
    assert reasons(walk) == {
        "pipe.m3u": "not a regular file",
        "link.m3u": "cannot be read: No such file or directory",
        "later.m3u": "is not used: it is not a regular file",
        "binary.m3u": "is not used: it is not text",
    }


def test_what_is_sent(tmp_path: Path, report: Report) -> None:
    path = put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.m3u")), b"\xe9\\1.mp3\n")
    put(tmp_path / "rules.nsp", b'{"comment": "c", "any": [{"is": {"loved": true}}]}')
    walk = walked(tmp_path)
    asked, sent = report(walk, [str(tmp_path)])
    assert asked == {
        "folders": [str(tmp_path)], "found": walk.playlist_files, "unreadable": [], "roots": {"/r": 1},
    }  # fmt: skip
    by_name = {file["name"]: file for file in sent["files"]}
    assert by_name["café"]["path"] == path
    assert by_name["café"]["locations"] == ["\\xe9\\\\1.mp3"]
    assert (by_name["café"]["size"], by_name["café"]["mtime_ns"]) == walk.playlist_files[path]
    assert (by_name["rules"]["comment"], by_name["rules"]["locations"]) == ("c", [])
    assert by_name["rules"]["rules"] == '{"comment": "c", "any": [{"is": {"loved": true}}]}'


def test_requests_are_small_and_files_are_limited(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        put(tmp_path / f"{number}.m3u", b"a\n" * (6 if number == 3 else 1))
    monkeypatch.setattr(playlist_files, "FILES_PER_REQUEST", 3)
    monkeypatch.setattr(playlist_files, "MAX_REQUEST_LOCATIONS", 5)
    monkeypatch.setattr(playlist_files, "MAX_PLAYLIST_FILES", 8)
    walk = walked(tmp_path)
    asked, *sent = report(walk)
    assert len(asked["found"]) == 8
    assert sum(len(request["files"]) for request in sent) == 8
    assert all(len(request["files"]) <= 3 for request in sent)
    assert [told["files"] for told in walk.left_out if told["reason"] == "more than 8 playlist files"] == [2]
    assert sorted(asked["found"]) == [str(tmp_path / f"{number}.m3u") for number in range(8)]
