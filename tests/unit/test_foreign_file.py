"""A file in a folder of another user: read only if it is a file of limited size."""

import os
from pathlib import Path

import pytest

from soniquebay.foreign_file import read_foreign


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text\n")
    assert read_foreign(tmp_path / "file", 5) == b"text\n"


def test_what_is_larger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text\n")
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_foreign(tmp_path / "file", 4)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_of_its_own_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "secret").write_bytes(b"text\n")
    path = tmp_path / "file"
    if kind == "link":
        path.symlink_to(tmp_path / "secret")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(OSError, match=r"is a link|is no file"):
        read_foreign(path, 100)
