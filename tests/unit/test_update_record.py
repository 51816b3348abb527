"""The record of the last security updates: what everybody may read of it."""

import stat
from pathlib import Path

import pytest

from soniquebay import update_record
from soniquebay.update_record import UpdateRecord


def test_it_is_read_as_it_was_written_by_everybody(tmp_path: Path) -> None:
    record = UpdateRecord(1.0, 2.0, "installed", packages=("a:arm64: 1 → 2",), boot_id="x", succeeded_at=2.0)
    path = tmp_path / "not there yet/record"
    update_record.write(record, path)
    assert update_record.read(path) == record
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"packages": []}', "null", "\x00"])
def test_a_damaged_or_missing_one_is_none(tmp_path: Path, text: str) -> None:
    assert update_record.read(tmp_path / "none") is None
    (tmp_path / "record").write_text(text)
    assert update_record.read(tmp_path / "record") is None


def test_a_restart_is_waited_for_until_the_machine_has_started_again() -> None:
    now = update_record.current_boot_id()
    assert UpdateRecord(1.0, 2.0, "installed", reboot_reason="a kernel", boot_id=now).waits_for_reboot
    assert not UpdateRecord(1.0, 2.0, "installed", reboot_reason="a kernel", boot_id="earlier").waits_for_reboot
    assert not UpdateRecord(1.0, 2.0, "installed", boot_id=now).waits_for_reboot
