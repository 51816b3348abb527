"""A walk goes on past everything odd."""

import os
from pathlib import Path

from soniquebay.library.paths import decode, encode
from soniquebay.pipeline.extract import extract
from soniquebay.pipeline.walk import Walk


def test_a_walk_goes_on_past_everything_odd(tmp_path: Path) -> None:
    root = tmp_path / "music"
    (root / "sub" / "deep").mkdir(parents=True)
    for name in ("b.mp3", "sub/a.flac", "sub/deep/c.ogg", "cover.jpg"):
        (root / name).write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.ogg")).write_bytes(b"x")
    for ignored in ("lost+found", ".Trash-1000", "$RECYCLE.BIN"):
        (root / ignored).mkdir()
        (root / ignored / "x.mp3").write_bytes(b"x")
    (root / "loop").symlink_to(root)
    (root / "dangling.mp3").symlink_to(tmp_path / "gone")
    os.mkfifo(root / "pipe.mp3")
    os.utime(root / "b.mp3", ns=(15 * 10**18, 15 * 10**18))  # the year 2445
    walk = Walk(frozenset({encode(str(tmp_path / "missing"))}))
    files = [*walk.files(str(root)), *walk.files(str(tmp_path / "missing"))]
    assert max(mtime_ns for _, _, mtime_ns, _ in files) < 2**63  # what the database holds
    found = [decode(path).removeprefix(os.fsencode(root)) for path, size, _, _ in files if size >= 0]
    assert sorted(found) == [b"/b.mp3", b"/caf\xe9.ogg", b"/sub/a.flac", b"/sub/deep/c.ogg"]
    reasons = {Path(f["path"]).name: f["reason"] for f in walk.failures}
    assert reasons == {
        "dangling.mp3": "cannot be read: No such file or directory",
        "pipe.mp3": "not a regular file",
        "missing": "cannot be read: No such file or directory",
    }


def test_an_empty_file_is_a_failure_with_its_reason() -> None:
    assert extract({"path": "/x.mp3", "size": 0, "mtime_ns": 1}) == {
        "path": "/x.mp3", "reason": "the file is empty", "bad_content": True
    }  # fmt: skip
