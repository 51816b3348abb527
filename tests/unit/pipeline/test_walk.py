"""Walking roots, comparing with known files, and folders that cannot be read."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from soniquebay.library.paths import encode
from soniquebay.library.queries import KnownFile
from soniquebay.pipeline import discovery
from soniquebay.pipeline.walk import Walk


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
    paths = [path for path, _, _, _ in Walk().files(str(tmp_path))]
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (path TEXT)")
    db.executemany("INSERT INTO t VALUES (?)", [(path,) for path in paths])
    assert [row[0] for row in db.execute("SELECT path FROM t ORDER BY path")] == paths
    assert len(paths) == 10


def test_files_of_a_root_below_another_are_counted_separately(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3")
    touch(tmp_path / "disk" / "b.mp3")
    touch(tmp_path / "disk" / "deep" / "c.mp3")
    disk = encode(str(tmp_path / "disk"))
    walk = Walk(frozenset({disk}))
    assert len(list(walk.files(str(tmp_path)))) == 3
    assert walk.files_by_root == {encode(str(tmp_path)): 1, disk: 2}


class RecordingComparison(discovery._Comparison):
    """A comparison that records what it would send to the API."""

    def __init__(self, queued_or_failed: set[str], *, reads_unchanged: bool) -> None:
        super().__init__(7, set(queued_or_failed), reads_unchanged)
        self.batches: list[list[str]] = []
        self.unseen_paths: list[str] = []
        self.returned_paths: list[str] = []

    def _register_batch(self) -> None:
        self.batches.append([file["path"] for file in self._batch])
        self._batch, self._batch_size = [], min(2 * self._batch_size, discovery.FULL_BATCH_FILES)

    def _send_known_files(self) -> None:
        self.unseen_paths += [path for _, path in self._unsent_unseen]
        self.returned_paths += self._unsent_returned
        self._unsent_unseen, self._unsent_returned = [], []


def row(path: str, size: int = 1, mtime_ns: int = 1, read_session_id: int = 1, missing: bool = False) -> KnownFile:
    return path, size, mtime_ns, read_session_id, missing, 0


def compare(
    walked: list[tuple[str, int, int]],
    known: list[KnownFile],
    queued_or_failed: set[str] = frozenset(),  # type: ignore[assignment]
    *,
    reads_unchanged: bool = False,
) -> RecordingComparison:
    comparison = RecordingComparison(queued_or_failed, reads_unchanged=reads_unchanged)
    comparison.compare([(*file, None) for file in walked], iter(known), lambda path: "/r")
    comparison.flush()
    return comparison


def test_new_changed_unchanged_unseen_and_returned_files_are_distinguished() -> None:
    walked = [("/r/a", 1, 1), ("/r/c", 2, 1), ("/r/d", 1, 1), ("/r/e", 1, 2), ("/r/new", 1, 1)]
    known = [row("/r/a"), row("/r/b"), row("/r/c"), row("/r/d", missing=True), row("/r/e"), row("/r/z")]
    comparison = compare(walked, known)
    assert comparison.batches == [["/r/c", "/r/e", "/r/new"]]
    assert comparison.unchanged == 2
    assert (comparison.unseen_paths, comparison.returned_paths) == (["/r/b", "/r/z"], ["/r/d"])


def test_a_full_scan_reads_every_file_once() -> None:
    walked = [("/r/a", 1, 1), ("/r/b", 1, 1), ("/r/c", 1, 1), ("/r/d", 1, 1), ("/r/e", 2, 1)]
    known = [row("/r/a"), row("/r/b", read_session_id=7), row("/r/c"), row("/r/d", missing=True), row("/r/e")]
    comparison = compare(walked, known, {"/r/c"}, reads_unchanged=True)
    assert comparison.batches == [["/r/a", "/r/d", "/r/e"]]  # b was read by this session, and c is in an open batch
    assert (comparison.unchanged, comparison.returned_paths) == (0, ["/r/d"])


def test_files_in_an_unreadable_folder_are_not_unseen() -> None:
    known = [row("/r/dark-gone.mp3"), row("/r/dark/1"), row("/r/dark/2/3"), row("/r/dark0"), row("/r/x")]
    comparison = compare([("/r/dark/", -1, 0), ("/r/x", -1, 0)], known)
    assert comparison.unseen_paths == ["/r/dark-gone.mp3", "/r/dark0"]


def test_a_repeated_discovery_skips_queued_and_failed_files() -> None:
    comparison = compare([("/r/a", 1, 1), ("/r/b", 1, 1), ("/r/c", 1, 1)], [row("/r/a", read_session_id=7)], {"/r/b"})
    assert (comparison.batches, comparison.unchanged) == ([["/r/c"]], 0)


def test_the_files_of_a_folder_stay_in_one_batch_if_possible() -> None:
    walked = [(f"/r/{folder:02}/{i:02}", 1, 1) for folder in range(30) for i in range(12)]
    batches = compare(walked, []).batches
    assert sum(map(len, batches)) == len(walked)
    folders = [{Path(path).parent.name for path in batch} for batch in batches]
    assert sum(map(len, folders)) == 30
    assert len(batches) > 2
    of_one_folder = compare([(f"/r/one/{i:05}", 1, 1) for i in range(2000)], []).batches
    assert max(map(len, of_one_folder)) <= discovery.MAX_BATCH_FILES


def test_a_root_that_does_not_exist_is_a_failure(tmp_path: Path) -> None:
    gone = encode(str(tmp_path / "gone"))
    walk = Walk(frozenset({gone}))
    assert list(walk.files(str(tmp_path / "gone"))) == []
    assert walk.files_by_root == {gone: 0}
    assert [f["reason"] for f in walk.failures] == ["cannot be read: No such file or directory"]


def test_a_deleted_folder_is_not_a_failure(tmp_path: Path) -> None:
    walk = Walk(frozenset({encode(str(tmp_path))}))
    assert list(walk.files(str(tmp_path / "deleted"))) == []
    assert walk.failures == []


def test_an_unreadable_folder_is_yielded_with_a_slash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "dark" / "x.mp3")
    touch(tmp_path / "light.mp3")
    scandir = os.scandir

    def refuse(folder: str) -> Any:  # a mode of 000 does not stop root, who may run this test
        if folder.endswith("dark"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    walk = Walk()
    seen = list(walk.files(str(tmp_path)))
    assert [(path.rpartition(encode(str(tmp_path)))[2], size) for path, size, _, _ in seen] == [
        ("/dark/", -1), ("/light.mp3", 1)
    ]  # fmt: skip
    assert [failure["reason"] for failure in walk.failures] == ["cannot be read: Permission denied"]
