"""A file is replaced as a whole, with the mode that was asked for."""

import os
from pathlib import Path

import pytest

from soniquebay.atomic_file import replace_file


def test_content_and_mode_are_those_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "file"
    umask = os.umask(0o077)
    try:
        replace_file(file, b"first")
        assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"first", 0o600)
        replace_file(file, b"second", 0o644)
    finally:
        os.umask(umask)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"second", 0o644)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")

    def power_cut(_: int) -> None:
        raise OSError("the power is gone")

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(OSError, match="the power is gone"):
        replace_file(file, b"new")
    assert file.read_bytes() == b"old"
    monkeypatch.undo()
    replace_file(file, b"new")  # what was left does not stand in the way
    assert file.read_bytes() == b"new"


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"kept")
    (tmp_path / "file.partial").symlink_to(target)
    replace_file(tmp_path / "file", b"new")
    assert target.read_bytes() == b"kept"
