"""The script that reports the state of a machine after a power cut: a failed command never reads as "no faults"."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.power_cuts import machine_state
from tests.power_cuts.machine_state import kernel_faults, kernel_messages, output, persistence

INFO = "# Persistence\r\nloading:0\r\naof_enabled:1\r\naof_last_write_status:ok\r\naof_last_bgrewrite_status:err\r\n"
HARMLESS = [
    "EXT4-fs (vda2): recovery complete",
    "EXT4-fs (vda2): mounted filesystem with ordered data mode. Quota mode: none.",
    "usb 1-1: new high-speed USB device number 2 using xhci_hcd",
]
FAULTY = [
    "EXT4-fs error (device vda2): ext4_lookup:1855: inode #2: comm find: deleted inode referenced: 12",
    "EXT4-fs warning (device vda2): ext4_dirblock_csum_verify:404: inode #2: comm ls: No space for directory leaf",
    "EXT4-fs (vda2): ext4_check_descriptors: Block bitmap for group 0 is corrupt",
    "FAT-fs (vda1): error, fat_free_clusters: deleting FAT entry beyond EOF",
    "JBD2: I/O error when updating journal superblock for vda2-8.",
    "Buffer I/O error on dev vda2, logical block 0, async page read",
]


def with_program(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """Put a shell script named like a program of the machine in front of the PATH."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_failing_command_raises_with_its_message() -> None:
    with pytest.raises(RuntimeError, match=r"sh -c .* ended with 3: .*no bus"):
        output("sh", "-c", "echo no bus >&2; exit 3")
    with pytest.raises(FileNotFoundError):
        output("no-such-program")


def test_a_command_may_end_with_an_expected_status() -> None:
    assert output("sh", "-c", "echo done; exit 2", statuses=(0, 2)) == "done"
    with pytest.raises(RuntimeError):
        output("sh", "-c", "echo done; exit 1", statuses=(0, 2))


def test_kernel_messages_are_the_lines_of_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_program(tmp_path, monkeypatch, "journalctl", "echo first; echo second")
    assert kernel_messages() == ["first", "second"]


@pytest.mark.parametrize("script", ["echo 'Failed to open the journal' >&2; exit 1", "exit 1", "true"])
def test_a_journal_that_cannot_be_read_or_is_empty_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    with_program(tmp_path, monkeypatch, "journalctl", script)
    with pytest.raises(RuntimeError):
        kernel_messages()


def test_kernel_faults_are_told_from_harmless_messages() -> None:
    assert kernel_faults([*HARMLESS, *FAULTY, *HARMLESS]) == FAULTY
    assert kernel_faults(HARMLESS) == []


def test_a_failing_systemctl_is_not_a_service_without_restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_program(tmp_path, monkeypatch, "systemctl", "echo 0; exit 1")
    with pytest.raises(RuntimeError, match="NRestarts"):
        machine_state.restarts("redis-server")
    with_program(tmp_path, monkeypatch, "systemctl", "echo 0")
    assert machine_state.restarts("redis-server") == "0"


def test_the_state_of_the_system_is_reported_whatever_the_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_program(tmp_path, monkeypatch, "systemctl", "echo degraded; exit 1")
    assert machine_state.system_state() == "degraded"


def test_persistence_fields_are_read_and_missing_ones_are_empty() -> None:
    assert persistence(INFO) == {
        "aof_enabled": "1",
        "loading": "0",
        "aof_last_write_status": "ok",
        "aof_last_bgrewrite_status": "err",
    }
    assert set(persistence("").values()) == {""}


def test_the_script_runs_from_standard_input_and_fails_with_a_failing_command(tmp_path: Path) -> None:
    script = Path(machine_state.__file__).read_text()
    (tmp_path / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "systemctl").chmod(0o755)
    result = subprocess.run(
        [sys.executable, "-"], input=script, capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)}
    )
    assert result.returncode != 0
    assert result.stdout == ""
