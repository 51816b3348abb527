"""Transcoded streams that are kept: complete ones alone, within the budget, the least recently used deleted first."""

from pathlib import Path

from soniquebay.api.file_answer import OpenFile
from soniquebay.api.transcoded_cache import TranscodedCache, cache_key
from soniquebay.transcoding.formats import Job


def keep(cache: TranscodedCache, key: str, size: int, *, complete: bool = True) -> None:
    recording = cache.record(key)
    assert recording is not None
    recording.write(key[:1].encode() * size)
    recording.close(complete=complete)


def content(cache: TranscodedCache, key: str) -> bytes | None:
    file = cache.find(key)
    if file is None:
        return None
    try:
        return file.read(0, file.size)
    finally:
        file.close()


def test_a_stream_counts_only_once_it_is_complete(tmp_path: Path) -> None:
    cache = TranscodedCache(tmp_path / "cache", 1000)
    recording = cache.record("a")
    assert recording is not None
    recording.write(b"first ")
    assert cache.find("a") is None
    assert cache.record("a") is None  # it is being recorded
    recording.write(b"second")
    recording.close(complete=True)
    assert content(cache, "a") == b"first second"
    keep(cache, "b", 10, complete=False)
    assert cache.find("b") is None
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a"]


def test_the_least_recently_used_is_deleted_first(tmp_path: Path) -> None:
    cache = TranscodedCache(tmp_path, 1000)
    for key in "abc":
        keep(cache, key, 300)
    before = (tmp_path / "a").stat().st_mtime_ns
    assert content(cache, "a")
    assert (tmp_path / "a").stat().st_mtime_ns == before  # a part of the ETag
    keep(cache, "d", 300)
    assert [content(cache, key) is not None for key in "abcd"] == [True, False, True, True]


def test_a_stream_larger_than_the_budget_is_given_up(tmp_path: Path) -> None:
    cache = TranscodedCache(tmp_path, 1000)
    keep(cache, "a", 500)
    recording = cache.record("b")
    assert recording is not None
    for _ in range(3):
        recording.write(bytes(400))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 500
    recording.close(complete=True)
    assert cache.find("b") is None
    assert content(cache, "a")


def test_a_start_deletes_what_is_unfinished_or_over_the_budget(tmp_path: Path) -> None:
    keep(TranscodedCache(tmp_path, 1000), "a", 500)
    (tmp_path / "b.part").write_bytes(bytes(100))
    assert content(TranscodedCache(tmp_path, 1000), "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    off = TranscodedCache(tmp_path, 0)
    assert not list(tmp_path.iterdir())
    assert off.record("a") is None


def test_a_folder_that_cannot_be_made_keeps_nothing_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = TranscodedCache(tmp_path / "file" / "cache", 1000)
    assert cache.record("a") is None
    assert cache.record("a") is None
    assert cache.find("a") is None


def test_another_file_or_job_is_another_stream(tmp_path: Path) -> None:
    job = Job(format="opus", bit_rate_kbits=96)
    keys = {
        cache_key(path, OpenFile(-1, size, mtime_ns), one)
        for path, size, mtime_ns, one in (
            (b"/a", 1, 2, job), (b"/b", 1, 2, job), (b"/a", 3, 2, job), (b"/a", 1, 4, job),
            (b"/a", 1, 2, Job(format="opus", bit_rate_kbits=128)),
        )
    }  # fmt: skip
    assert len(keys) == 5
