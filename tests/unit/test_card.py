"""What the kernel's files say of the memory card."""

from pathlib import Path

import pytest

from soniquebay import card


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_machine_without_a_card(tmp_path: Path) -> None:
    assert card.health(tmp_path) is None


def test_a_card_that_tells_nothing_but_what_was_written(tmp_path: Path) -> None:
    write(tmp_path / "block/mmcblk0/stat", "   10  0  80  5  20  0  2048  8  0  9  9\n")
    write(tmp_path / "block/mmcblk0p1/stat", "1 1 1 1 1 1 1 1\n")
    assert card.health(tmp_path) == ("mmcblk0", None, None, 1 << 20)


@pytest.mark.parametrize(
    ("life", "reserve", "expected"),
    [
        ("0x01 0x03", "0x01", (30, "normal")),
        ("0x0b 0x02", "0x03", (100, "urgent")),  # 0x0b: more than its estimated life
        ("0x00 0x00", "0x00", (None, None)),  # not defined
        ("", "nonsense", (None, None)),
    ],
)
def test_wear(tmp_path: Path, life: str, reserve: str, expected: tuple[int | None, str | None]) -> None:
    write(tmp_path / "block/mmcblk0/device/life_time", f"{life}\n")
    write(tmp_path / "block/mmcblk0/device/pre_eol_info", f"{reserve}\n")
    assert card.health(tmp_path) == ("mmcblk0", *expected, None)
