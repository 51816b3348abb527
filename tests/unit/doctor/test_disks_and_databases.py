"""The doctor finds a full or read-only disk, and databases that are gone or damaged."""

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.small_disk import full_disk, small_disk
from tests.unit.doctor.conftest import Machine

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@needs_root
def test_a_full_disk(machine: Machine, tmp_path: Path) -> None:
    assert machine.is_fine("space")
    with small_disk(tmp_path / "small") as small:
        machine.variables["SONIQUEBAY_DATA"] = str(small)
        assert machine.is_fine("space")
        (small / "filler").write_bytes(bytes(24_000_000))
        assert "nearly full" in machine.wrong("space").sentence
        with full_disk(small):
            assert "it is full" in machine.wrong("space").sentence


@needs_root
def test_no_inodes_left(machine: Machine, tmp_path: Path) -> None:
    assert machine.is_fine("inodes")
    folder = tmp_path / "few"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=200", "tmpfs", folder], check=True)
    with ExitStack() as stack:
        stack.callback(subprocess.run, ["umount", "--lazy", folder], check=True)
        machine.variables["SONIQUEBAY_DATA"] = str(folder)
        assert machine.is_fine("inodes")
        for number in range(197):
            (folder / str(number)).touch()
        assert "inodes free" in machine.wrong("inodes").sentence


@needs_root
def test_a_read_only_card(machine: Machine, tmp_path: Path) -> None:
    assert machine.is_fine("read-only")
    with small_disk(tmp_path / "small") as small:
        machine.variables["SONIQUEBAY_DATA"] = str(small)
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        assert "read-only" in machine.wrong("read-only").sentence


def test_sound_databases(machine: Machine) -> None:
    assert machine.is_fine("databases")


@pytest.mark.parametrize("name", ["library.db", "listeners.db"])
def test_a_database_that_is_gone(machine: Machine, name: str) -> None:
    for file in (machine.folder / "data").glob(f"{name}*"):
        file.unlink()
    assert f"{name} does not exist" in machine.wrong("databases").sentence


@pytest.mark.parametrize("name", ["library.db", "listeners.db"])
@pytest.mark.parametrize("where", ["header", "pages", "all", "empty"])
def test_a_damaged_database(machine: Machine, name: str, where: str) -> None:
    path = machine.folder / "data" / name
    for log in (machine.folder / "data").glob(f"{name}-*"):
        log.unlink()
    size = path.stat().st_size
    with path.open("r+b") as file:
        if where == "empty":
            file.truncate(0)
        else:
            file.seek({"header": 16, "pages": 4096, "all": 0}[where])
            file.write(b"\xa5" * {"header": 84, "pages": size // 2, "all": size}[where])
    sentence = machine.wrong("databases").sentence
    assert f"{name} is {'empty' if where == 'empty' else 'damaged'}" in sentence
