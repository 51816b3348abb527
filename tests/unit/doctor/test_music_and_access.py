"""The doctor finds music that is not there or not readable, and what keeps people out."""

import subprocess
import time
from pathlib import Path

import pytest

from soniquebay.library.database import Database
from tests.unit.doctor.conftest import Machine


def test_a_folder_of_music_that_does_not_exist(machine: Machine) -> None:
    assert machine.is_fine("music")
    machine.variables["SONIQUEBAY_MUSIC"] = str(machine.folder / "nothing")
    assert "does not exist" in machine.wrong("music").sentence


def test_an_empty_folder_of_music_or_one_with_empty_mount_points_alone(machine: Machine) -> None:
    (machine.folder / "music/Album/song.flac").unlink()
    assert "is empty" in machine.wrong("music").sentence
    (machine.folder / "music/Album").rmdir()
    assert "is empty" in machine.wrong("music").sentence


@pytest.mark.parametrize("is_folder_there", [True, False])
def test_a_drive_that_is_missing(machine: Machine, is_folder_there: bool) -> None:
    drive = machine.folder / "music/USB"
    drive.mkdir()
    (drive / "song.flac").touch()
    with Database(machine.folder / "data/library.db").transaction() as db:
        db.execute("INSERT INTO roots VALUES (?)", (str(drive),))
    assert machine.is_fine("drives")
    (drive / "song.flac").unlink()
    if not is_folder_there:
        drive.rmdir()
    assert f"The drive at {drive}" in machine.wrong("drives").sentence


def test_a_folder_that_the_worker_may_not_read(machine: Machine) -> None:
    assert machine.is_fine("rights"), machine.find("rights")
    album = machine.folder / "music/Album"
    album.chmod(0o700)
    assert f"The worker may not read {album}." in machine.wrong("rights").sentence
    album.chmod(0o755)
    machine.folder.chmod(0o700)
    assert f"{machine.folder}/music" in machine.wrong("rights").sentence


def test_a_folder_of_the_file_system_is_no_music_that_somebody_has_to_read(machine: Machine) -> None:
    found = machine.folder / "music/lost+found"
    found.mkdir(0o700)
    assert machine.is_fine("rights"), machine.find("rights")
    assert machine.is_fine("music")
    (machine.folder / "music/Album/song.flac").unlink()
    (found / "#123").touch()
    assert "is empty" in machine.wrong("music").sentence


def test_the_limit_of_watches(machine: Machine) -> None:
    state = {"watch": "on", "ready": True, "waiting": 0, "roots": []}
    machine.answers["/api/watch"] = state
    state["roots"] = [{"path": str(machine.folder / "music"), "mode": "notify", "folders": 8}]
    assert machine.is_fine("watches")
    state["roots"] = [{"path": str(machine.folder / "music"), "mode": "poll", "folders": 7}]
    assert "watches 7 folders" in machine.wrong("watches").sentence


def test_an_appliance_without_an_owner(machine: Machine) -> None:
    assert machine.is_fine("claim")
    (machine.folder / "claim/notice").write_text("This SoniqueBay has no owner yet.")
    assert "no owner yet" in machine.wrong("claim").sentence


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    file = tmp_path / "own.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
         "-subj", "/CN=test", "-keyout", file, "-out", file], check=True, capture_output=True,
    )  # fmt: skip
    return file


def test_a_certificate_that_ends_or_has_ended_or_is_damaged(machine: Machine, certificate: Path) -> None:
    assert machine.is_fine("certificate")
    machine.variables |= {"SONIQUEBAY_TLS": "own", "SONIQUEBAY_TLS_CERTIFICATE": str(certificate)}
    assert machine.is_fine("certificate")
    assert "ends on" in machine.wrong("certificate", clock=lambda: time.time() + 80 * 86400).sentence
    assert "has ended on" in machine.wrong("certificate", clock=lambda: time.time() + 91 * 86400).sentence
    certificate.write_text("nothing")
    assert "TLS does not work" in machine.wrong("certificate").sentence
