"""Cards after power cuts, from logs made by hand as QEMU makes them."""

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


FLUSHED: Request = (0, 0, FLUSH, b"")


class Case:
    """A disk of dots and a log beside it."""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / "disk"
        self.log = folder / "log"

    def made(self, *requests: Request, superblock: bool = True) -> "Case":
        self.disk.write_bytes(b"." * SECTOR * SECTORS)
        head = struct.pack("<QQQI", MAGIC, 1, 0, SECTOR) if superblock else b""
        content = head.ljust(SECTOR, b"\0")
        for sector, count, flags, data in requests:
            content += struct.pack("<QQQQ", sector, count, flags, 0).ljust(SECTOR, b"\0") + data
        self.log.write_bytes(content)
        return self

    def cut(self, seed: int | None) -> str:
        replay(self.log, self.disk, None if seed is None else random.Random(seed))  # noqa: S311
        return self.letters()

    def letters(self) -> str:
        content = self.disk.read_bytes()
        sectors = [content[at : at + SECTOR] for at in range(0, len(content), SECTOR)]
        assert all(len(set(sector)) == 1 for sector in sectors)
        return "".join(chr(sector[0]) if sector[0] else "0" for sector in sectors)

    def every(self, *requests: Request, seeds: Sequence[int] = range(150)) -> set[str]:
        """All that may be on the disk after a cut."""
        return {self.made(*requests).cut(seed)[:6] for seed in seeds}


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_what_was_flushed_is_there_whatever_the_chance(case: Case) -> None:
    assert case.every(write(0, "a"), write(2, "b"), write(0, "c"), FLUSHED) == {"c.b..."}


def test_later_writes_may_arrive_in_any_choice(case: Case) -> None:
    found = case.every(write(0, "a"), FLUSHED, write(0, "b"), write(1, "c"), write(3, "d"))
    assert found == {f"{x}{y}.{z}.." for x in "ab" for y in ".c" for z in ".d"}


def test_of_two_later_writes_to_one_place_the_older_never_wins(case: Case) -> None:
    assert case.every(write(0, "a"), write(0, "b")) == {"......", "a.....", "b....."}
    # with both kept, it is the younger
    assert case.made(write(0, "a"), write(0, "b")).cut(None)[0] == "b"


def test_a_shutdown_loses_nothing(case: Case) -> None:
    assert case.made(write(0, "a"), FLUSHED, write(1, "b"), write(2, "c")).cut(None)[:4] == "abc."


def test_a_write_with_fua_is_there_always(case: Case) -> None:
    found = case.every(write(0, "a"), write(1, "b", flags=FUA), write(2, "c"))
    assert {state[1] for state in found} == {"b"}
    assert {state[0] for state in found} == {".", "a"}


def test_data_that_comes_with_a_flush_is_not_covered_by_it(case: Case) -> None:
    found = case.every(write(0, "a"), write(1, "b", flags=FLUSH))
    assert found == {"a.....", "ab...."}
    assert case.every(write(0, "a"), write(1, "b", flags=FLUSH | FUA)) == {"ab...."}


def test_the_last_write_may_be_torn_between_sectors(case: Case) -> None:
    found = case.every(write(0, "a", 3))
    assert found == {"......", "a.....", "aa....", "aaa..."}
    # one that was flushed never is
    assert case.every(write(0, "a", 3), FLUSHED) == {"aaa..."}


def test_what_was_discarded_is_gone(case: Case) -> None:
    assert case.every((1, 2, DISCARD, b""), FLUSHED, seeds=[1]) == {".00..."}
    assert case.every((1, 2, DISCARD, b""), seeds=range(20)) == {"......", ".00..."}


def test_marks_are_passed_over(case: Case) -> None:
    case.made(write(0, "a"), (0, 0, MARK, b""), write(1, "b"))
    assert case.cut(None)[:3] == "ab."


def test_equal_seeds_give_equal_cuts(case: Case) -> None:
    requests = [write(sector, "x") for sector in range(12)]
    states = [case.made(*requests).cut(seed) for seed in (*range(20), *range(20))]
    assert states[:20] == states[20:]
    assert len(set(states)) > 5


def test_a_log_that_ends_in_the_middle_of_a_write(case: Case) -> None:
    case.made(write(0, "a"), write(1, "b", 4))
    whole = case.log.read_bytes()
    for length in range(3 * SECTOR, len(whole), 300):  # in the header, in the data
        case.log.write_bytes(whole[:length])
        assert list(entries(case.log)) == [Entry(0, SECTOR, 0, 2 * SECTOR)]


def test_nothing_behind_a_hole_counts(case: Case) -> None:
    case.made(write(0, "a"), (0, 0, 0, b""), write(1, "b"), FLUSHED)
    assert case.cut(None)[:2] == "a."


def test_a_superblock_that_was_never_written(case: Case) -> None:
    assert case.made(write(0, "a"), FLUSHED, superblock=False).cut(1)[0] == "a"
    case.log.write_bytes(b"")
    assert list(entries(case.log)) == []


def test_what_is_no_log_is_refused(case: Case) -> None:
    case.log.write_bytes(b"something else" * 100)
    with pytest.raises(ActionableError, match="no log of writes"):
        list(entries(case.log))
    case.made((0, 1, 64, b"x" * SECTOR))
    with pytest.raises(ActionableError, match="unknown flags"):
        list(entries(case.log))


def test_what_became_of_the_writes_is_told(case: Case) -> None:
    case.made(write(0, "a"), write(1, "b"), FLUSHED, write(2, "c"))
    outcome = replay(case.log, case.disk, None)
    assert (outcome.flushed, outcome.kept, outcome.lost, outcome.torn) == (2, 1, 0, False)
    assert "2 writes flushed" in str(outcome)
