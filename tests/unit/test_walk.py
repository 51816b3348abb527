"""The order of a walk, its roots, unreadable folders, and the comparison with the known files."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from soniquebay.library.paths import encode
from soniquebay.library.queries import KnownFile
from soniquebay.pipeline import discovery
from soniquebay.pipeline.walk import Seen, Walk


def make_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_files_are_walked_in_the_order_of_the_database(tmp_path: Path) -> None:
    for name in (
        "a/x.mp3",
        "a.mp3",
        "a-b/y.mp3",
        "a b.mp3",
        "Ä/z.mp3",
        "z.mp3",
        "a/b/c.mp3",
        "back\\slash.mp3",
        "b.mp3",
    ):
        make_file(tmp_path / name)
    make_file(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp3")))
    paths = [path for path, _, _ in Walk().files(str(tmp_path))]
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (path TEXT)")
    db.executemany("INSERT INTO t VALUES (?)", [(path,) for path in paths])
    assert [row[0] for row in db.execute("SELECT path FROM t ORDER BY path")] == paths
    assert len(paths) == 10


def test_files_of_a_known_root_below_another_are_counted_separately(tmp_path: Path) -> None:
    make_file(tmp_path / "a.mp3")
    make_file(tmp_path / "disk" / "b.mp3")
    make_file(tmp_path / "disk" / "deep" / "c.mp3")
    disk = encode(str(tmp_path / "disk"))
    walk = Walk(frozenset({disk}))
    assert len(list(walk.files(str(tmp_path)))) == 3
    assert walk.found == {encode(str(tmp_path)): 1, disk: 2}


class RecordingLedger(discovery._Ledger):
    """A ledger that records what it would send to the API."""

    def __init__(self, handled: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        super().__init__(7, set(handled))
        self.batches: list[list[str]] = []
        self.unseen: list[str] = []
        self.returned: list[str] = []

    def _register(self) -> None:
        self.batches.append([file["path"] for file in self._batch])
        self._batch, self._size = [], min(2 * self._size, discovery.LARGEST_BATCH)

    def _tell(self) -> None:
        self.unseen += [path for _, path in self._unseen]
        self.returned += self._returned
        self._unseen, self._returned = [], []


def row(path: str, size: int = 1, mtime_ns: int = 1, read_session_id: int = 1, missing: bool = False) -> KnownFile:
    return path, size, mtime_ns, read_session_id, missing


def compare(found: list[Seen], known: list[KnownFile], handled: set[str] = frozenset()) -> RecordingLedger:  # type: ignore[assignment]
    ledger = RecordingLedger(handled)
    ledger.compare(found, iter(known), lambda path: "/r")
    ledger.flush()
    return ledger


def test_new_changed_unchanged_unseen_and_returned_files_are_told_apart() -> None:
    found = [("/r/a", 1, 1), ("/r/c", 2, 1), ("/r/d", 1, 1), ("/r/e", 1, 2), ("/r/new", 1, 1)]
    known = [row("/r/a"), row("/r/b"), row("/r/c"), row("/r/d", missing=True), row("/r/e"), row("/r/z")]
    ledger = compare(found, known)
    assert ledger.batches == [["/r/c", "/r/e", "/r/new"]]
    assert (ledger.unchanged, ledger.unseen, ledger.returned) == (2, ["/r/b", "/r/z"], ["/r/d"])


def test_files_in_an_unreadable_folder_are_not_unseen() -> None:
    known = [row("/r/locked-gone.mp3"), row("/r/locked/1"), row("/r/locked/2/3"), row("/r/locked0"), row("/r/x")]
    ledger = compare([("/r/locked/", -1, 0), ("/r/x", -1, 0)], known)
    assert ledger.unseen == ["/r/locked-gone.mp3", "/r/locked0"]


def test_a_restarted_discovery_skips_files_that_are_handled() -> None:
    ledger = compare([("/r/a", 1, 1), ("/r/b", 1, 1), ("/r/c", 1, 1)], [row("/r/a", read_session_id=7)], {"/r/b"})
    assert (ledger.batches, ledger.unchanged) == ([["/r/c"]], 0)


def test_a_folder_stays_in_one_batch_unless_it_is_too_large() -> None:
    found = [(f"/r/{folder:02}/{i:02}", 1, 1) for folder in range(30) for i in range(12)]
    batches = compare(found, []).batches
    assert sum(map(len, batches)) == len(found)
    folders = [{Path(path).parent.name for path in batch} for batch in batches]
    assert sum(map(len, folders)) == 30
    assert len(batches) > 2
    large = compare([(f"/r/one/{i:05}", 1, 1) for i in range(2000)], []).batches
    assert max(map(len, large)) <= 2 * discovery.LARGEST_BATCH


def test_a_missing_root_is_a_failure_and_does_not_end_the_scan(tmp_path: Path) -> None:
    root = encode(str(tmp_path / "gone"))
    walk = Walk(frozenset({root}))
    assert list(walk.files(str(tmp_path / "gone"))) == []
    assert walk.found == {root: 0}
    assert [f["reason"] for f in walk.failures] == ["cannot be read: No such file or directory"]


def test_a_deleted_folder_is_no_failure(tmp_path: Path) -> None:
    walk = Walk(frozenset({encode(str(tmp_path))}))
    assert list(walk.files(str(tmp_path / "deleted"))) == []
    assert walk.failures == []


def test_an_unreadable_folder_is_reported_as_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_file(tmp_path / "locked" / "x.mp3")
    make_file(tmp_path / "readable.mp3")
    scandir = os.scandir

    def refuse(folder: str) -> Any:  # permissions would not stop root, who may run this
        if folder.endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    walk = Walk()
    seen = list(walk.files(str(tmp_path)))
    assert [(path.rpartition(encode(str(tmp_path)))[2], size) for path, size, _ in seen] == [
        ("/locked/", -1), ("/readable.mp3", 1)
    ]  # fmt: skip
    assert [failure["reason"] for failure in walk.failures] == ["cannot be read: Permission denied"]
