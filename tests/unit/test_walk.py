"""The order of a walk, its roots, and what a folder that cannot be read protects."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from soniquebay.library.paths import encode
from soniquebay.library.queries import KnownFile
from soniquebay.pipeline import discovery
from soniquebay.pipeline.walk import Seen, Walk


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_files_come_in_the_order_of_the_database(tmp_path: Path) -> None:
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
        touch(tmp_path / name)
    touch(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp3")))
    paths = [path for path, _, _ in Walk().files(str(tmp_path))]
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (path TEXT)")
    db.executemany("INSERT INTO t VALUES (?)", [(path,) for path in paths])
    assert [row[0] for row in db.execute("SELECT path FROM t ORDER BY path")] == paths
    assert len(paths) == 10


def test_a_known_root_below_another_is_counted_for_itself(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3")
    touch(tmp_path / "disk" / "b.mp3")
    touch(tmp_path / "disk" / "deep" / "c.mp3")
    disk = encode(str(tmp_path / "disk"))
    walk = Walk(frozenset({disk}))
    assert len(list(walk.files(str(tmp_path)))) == 3
    assert walk.found == {encode(str(tmp_path)): 1, disk: 2}


class Told(discovery._Ledger):
    """A ledger that keeps what it would tell the API."""

    def __init__(self, handled: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        super().__init__(7, set(handled))
        self.batches: list[list[str]] = []
        self.told: list[str] = []
        self.back: list[str] = []

    def _register(self) -> None:
        self.batches.append([file["path"] for file in self._batch])
        self._batch, self._size = [], min(2 * self._size, discovery.LARGEST_BATCH)

    def _tell(self) -> None:
        self.told += [path for _, path in self._unseen]
        self.back += self._returned
        self._unseen, self._returned = [], []


def row(path: str, size: int = 1, mtime_ns: int = 1, read_session_id: int = 1, gone: bool = False) -> KnownFile:
    return path, size, mtime_ns, read_session_id, gone


def compare(found: list[Seen], known: list[KnownFile], handled: set[str] = frozenset()) -> Told:  # type: ignore[assignment]
    ledger = Told(handled)
    ledger.compare(found, iter(known), lambda path: "/r")
    ledger.flush()
    return ledger


def test_new_changed_unchanged_gone_and_returned_files_are_told_apart() -> None:
    found = [("/r/a", 1, 1), ("/r/c", 2, 1), ("/r/d", 1, 1), ("/r/e", 1, 2), ("/r/new", 1, 1)]
    known = [row("/r/a"), row("/r/b"), row("/r/c"), row("/r/d", gone=True), row("/r/e"), row("/r/z")]
    ledger = compare(found, known)
    assert ledger.batches == [["/r/c", "/r/e", "/r/new"]]
    assert (ledger.unchanged, ledger.told, ledger.back) == (2, ["/r/b", "/r/z"], ["/r/d"])


def test_what_lies_in_a_folder_that_cannot_be_read_is_not_gone() -> None:
    known = [row("/r/dark-gone.mp3"), row("/r/dark/1"), row("/r/dark/2/3"), row("/r/dark0"), row("/r/x")]
    ledger = compare([("/r/dark/", -1, 0), ("/r/x", -1, 0)], known)
    assert ledger.told == ["/r/dark-gone.mp3", "/r/dark0"]


def test_a_discovery_that_starts_again_leaves_what_is_handled() -> None:
    ledger = compare([("/r/a", 1, 1), ("/r/b", 1, 1), ("/r/c", 1, 1)], [row("/r/a", read_session_id=7)], {"/r/b"})
    assert (ledger.batches, ledger.unchanged) == ([["/r/c"]], 0)


def test_a_folder_stays_in_one_batch_where_it_can() -> None:
    found = [(f"/r/{folder:02}/{i:02}", 1, 1) for folder in range(30) for i in range(12)]
    batches = compare(found, []).batches
    assert sum(map(len, batches)) == len(found)
    folders = [{Path(path).parent.name for path in batch} for batch in batches]
    assert sum(map(len, folders)) == 30
    assert len(batches) > 2
    flood = compare([(f"/r/one/{i:05}", 1, 1) for i in range(2000)], []).batches
    assert max(map(len, flood)) <= 2 * discovery.LARGEST_BATCH


def test_a_root_that_cannot_be_entered_is_a_failure_not_an_end(tmp_path: Path) -> None:
    gone = encode(str(tmp_path / "gone"))
    walk = Walk(frozenset({gone}))
    assert list(walk.files(str(tmp_path / "gone"))) == []
    assert walk.found == {gone: 0}
    assert [f["reason"] for f in walk.failures] == ["cannot be read: No such file or directory"]


def test_a_folder_that_was_deleted_is_no_failure(tmp_path: Path) -> None:
    walk = Walk(frozenset({encode(str(tmp_path))}))
    assert list(walk.files(str(tmp_path / "deleted"))) == []
    assert walk.failures == []


def test_a_folder_that_cannot_be_listed_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "dark" / "x.mp3")
    touch(tmp_path / "light.mp3")
    scandir = os.scandir

    def refuse(folder: str) -> Any:  # root, who may run this, is refused nothing
        if folder.endswith("dark"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    walk = Walk()
    seen = list(walk.files(str(tmp_path)))
    assert [(path.rpartition(encode(str(tmp_path)))[2], size) for path, size, _ in seen] == [
        ("/dark/", -1), ("/light.mp3", 1)
    ]  # fmt: skip
    assert [failure["reason"] for failure in walk.failures] == ["cannot be read: Permission denied"]
