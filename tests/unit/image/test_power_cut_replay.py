"""Cards after power cuts, replayed from logs that are written here in the format of QEMU."""

import random
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from image.emulated.power_cut_replay import DISCARD, FLUSH, FUA, MAGIC, MARK, Entry, entries, replay
from image.errors import ActionableError

SECTOR = 512
SECTORS = 16
Request = tuple[int, int, int, bytes]  # sector, sectors, flags, data


def write(sector: int, letter: str, count: int = 1, flags: int = 0) -> Request:
    return (sector, count, flags, letter.encode() * SECTOR * count)


FLUSH_REQUEST: Request = (0, 0, FLUSH, b"")


class LoggedDisk:
    """A disk whose sectors hold dots, and a log of writes to it."""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / "disk"
        self.log = folder / "log"

    def reset(self, *requests: Request, superblock: bool = True) -> "LoggedDisk":
        self.disk.write_bytes(b"." * SECTOR * SECTORS)
        header = struct.pack("<QQQI", MAGIC, 1, 0, SECTOR) if superblock else b""
        content = header.ljust(SECTOR, b"\0")
        for sector, count, flags, data in requests:
            content += struct.pack("<QQQQ", sector, count, flags, 0).ljust(SECTOR, b"\0") + data
        self.log.write_bytes(content)
        return self

    def cut(self, seed: int | None) -> str:
        replay(self.log, self.disk, None if seed is None else random.Random(seed))  # noqa: S311
        return self.sectors()

    def sectors(self) -> str:
        content = self.disk.read_bytes()
        sectors = [content[offset : offset + SECTOR] for offset in range(0, len(content), SECTOR)]
        assert all(len(set(sector)) == 1 for sector in sectors)
        return "".join(chr(sector[0]) if sector[0] else "0" for sector in sectors)

    def states_after_cuts(self, *requests: Request, seeds: Sequence[int] = range(150)) -> set[str]:
        """Return the first sectors of the disk after a cut with each seed."""
        return {self.reset(*requests).cut(seed)[:6] for seed in seeds}


@pytest.fixture
def logged_disk(tmp_path: Path) -> LoggedDisk:
    return LoggedDisk(tmp_path)


def test_flushed_writes_survive_every_cut(logged_disk: LoggedDisk) -> None:
    assert logged_disk.states_after_cuts(write(0, "a"), write(2, "b"), write(0, "c"), FLUSH_REQUEST) == {"c.b..."}


def test_any_subset_of_later_writes_may_arrive(logged_disk: LoggedDisk) -> None:
    states = logged_disk.states_after_cuts(write(0, "a"), FLUSH_REQUEST, write(0, "b"), write(1, "c"), write(3, "d"))
    assert states == {f"{x}{y}.{z}.." for x in "ab" for y in ".c" for z in ".d"}


def test_an_older_write_never_overwrites_a_newer_one(logged_disk: LoggedDisk) -> None:
    assert logged_disk.states_after_cuts(write(0, "a"), write(0, "b")) == {"......", "a.....", "b....."}
    # when both arrive, the newer one stays
    assert logged_disk.reset(write(0, "a"), write(0, "b")).cut(None)[0] == "b"


def test_a_shutdown_loses_nothing(logged_disk: LoggedDisk) -> None:
    assert logged_disk.reset(write(0, "a"), FLUSH_REQUEST, write(1, "b"), write(2, "c")).cut(None)[:4] == "abc."


def test_a_write_with_fua_survives_every_cut(logged_disk: LoggedDisk) -> None:
    states = logged_disk.states_after_cuts(write(0, "a"), write(1, "b", flags=FUA), write(2, "c"))
    assert {state[1] for state in states} == {"b"}
    assert {state[0] for state in states} == {".", "a"}


def test_a_flush_does_not_cover_the_data_of_its_own_request(logged_disk: LoggedDisk) -> None:
    states = logged_disk.states_after_cuts(write(0, "a"), write(1, "b", flags=FLUSH))
    assert states == {"a.....", "ab...."}
    assert logged_disk.states_after_cuts(write(0, "a"), write(1, "b", flags=FLUSH | FUA)) == {"ab...."}


def test_the_last_write_may_be_torn_between_sectors(logged_disk: LoggedDisk) -> None:
    states = logged_disk.states_after_cuts(write(0, "a", 3))
    assert states == {"......", "a.....", "aa....", "aaa..."}
    # a flushed write is never torn
    assert logged_disk.states_after_cuts(write(0, "a", 3), FLUSH_REQUEST) == {"aaa..."}


def test_discarded_sectors_read_as_zero(logged_disk: LoggedDisk) -> None:
    assert logged_disk.states_after_cuts((1, 2, DISCARD, b""), FLUSH_REQUEST, seeds=[1]) == {".00..."}
    assert logged_disk.states_after_cuts((1, 2, DISCARD, b""), seeds=range(20)) == {"......", ".00..."}


def test_marks_are_ignored(logged_disk: LoggedDisk) -> None:
    logged_disk.reset(write(0, "a"), (0, 0, MARK, b""), write(1, "b"))
    assert logged_disk.cut(None)[:3] == "ab."


def test_equal_seeds_give_equal_cuts(logged_disk: LoggedDisk) -> None:
    requests = [write(sector, "x") for sector in range(12)]
    states = [logged_disk.reset(*requests).cut(seed) for seed in (*range(20), *range(20))]
    assert states[:20] == states[20:]
    assert len(set(states)) > 5


def test_a_write_that_the_log_does_not_hold_completely_is_ignored(logged_disk: LoggedDisk) -> None:
    logged_disk.reset(write(0, "a"), write(1, "b", 4))
    complete = logged_disk.log.read_bytes()
    for length in range(3 * SECTOR, len(complete), 300):  # ends in the header or in the data
        logged_disk.log.write_bytes(complete[:length])
        assert list(entries(logged_disk.log)) == [Entry(0, SECTOR, 0, 2 * SECTOR)]


def test_requests_after_a_hole_are_ignored(logged_disk: LoggedDisk) -> None:
    logged_disk.reset(write(0, "a"), (0, 0, 0, b""), write(1, "b"), FLUSH_REQUEST)
    assert logged_disk.cut(None)[:2] == "a."


def test_a_log_without_a_superblock_is_read(logged_disk: LoggedDisk) -> None:
    assert logged_disk.reset(write(0, "a"), FLUSH_REQUEST, superblock=False).cut(1)[0] == "a"
    logged_disk.log.write_bytes(b"")
    assert list(entries(logged_disk.log)) == []


def test_a_file_that_is_no_log_is_refused(logged_disk: LoggedDisk) -> None:
    logged_disk.log.write_bytes(b"something else" * 100)
    with pytest.raises(ActionableError, match="no log of writes"):
        list(entries(logged_disk.log))
    logged_disk.reset((0, 1, 64, b"x" * SECTOR))
    with pytest.raises(ActionableError, match="unknown flags"):
        list(entries(logged_disk.log))


def test_the_result_counts_the_writes(logged_disk: LoggedDisk) -> None:
    logged_disk.reset(write(0, "a"), write(1, "b"), FLUSH_REQUEST, write(2, "c"))
    result = replay(logged_disk.log, logged_disk.disk, None)
    assert (result.flushed, result.arrived, result.lost, result.torn) == (2, 1, 0, False)
    assert "2 writes flushed" in str(result)
