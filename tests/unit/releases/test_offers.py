"""Which release archives are found on drives, and what is told of each. Nothing is opened."""

import os
from pathlib import Path

import pytest

from soniquebay.releases import offers

RUNNING = "1.2"
MOUNTINFO = b"""\
20 1 8:1 / / rw - ext4 /dev/root rw
31 20 8:17 / {music}/STICK ro,nosuid - vfat /dev/sda1 ro
32 20 8:33 / {music}/Old\\040drive ro,nosuid - exfat /dev/sdb1 ro
33 20 8:49 / /mnt/other ro - ext4 /dev/sdc1 ro
"""


def put(folder: Path, version: str, content: bytes = b"archive", signature: bytes | None = b"signature") -> Path:
    path = folder / f"soniquebay-{version}-aarch64.tar.gz"
    path.write_bytes(content)
    if signature is not None:
        path.with_name(f"{path.name}.sig").write_bytes(signature)
    return path


def found(folder: Path) -> list[tuple[str, str]]:
    return [(offer.version, offer.state) for offer in offers.find(os.fsencode(folder), RUNNING)]


def test_archives_are_looked_for_at_the_top_of_folders_and_drives(tmp_path: Path) -> None:
    """The names are those of the kernel; a folder behind a link is told by its real name."""
    music, link = tmp_path / "music", tmp_path / "link"
    music.mkdir()
    link.symlink_to(music)
    told = offers.places([link], MOUNTINFO.replace(b"{music}", os.fsencode(music)))
    assert told == [os.fsencode(place) for place in (music, music / "Old drive", music / "STICK")]


def test_the_newest_comes_first_and_tells_how_it_compares(tmp_path: Path) -> None:
    for version in ("1.1", "1.2.0", "1.9", "1.10", "1.3rc1"):
        put(tmp_path, version)
    (tmp_path / "song.flac").touch()
    assert found(tmp_path) == [
        ("1.10", "newer"), ("1.9", "newer"), ("1.3rc1", "newer"), ("1.2.0", "same"), ("1.1", "older"),
    ]  # fmt: skip
    (newest, *_) = offers.find(os.fsencode(tmp_path), RUNNING)
    assert newest.path == os.fsencode(tmp_path / "soniquebay-1.10-aarch64.tar.gz")
    assert newest.bytes == len(b"archive")


@pytest.mark.parametrize("signature", [None, b"", bytes(offers.MAX_SIGNATURE_BYTES + 1)], ids=["none", "empty", "huge"])
def test_one_without_a_signature_is_told_as_such(tmp_path: Path, signature: bytes | None) -> None:
    put(tmp_path, "1.3", signature=signature)
    assert found(tmp_path) == [("1.3", "unsigned")]


def test_a_signature_that_is_a_link_or_a_pipe_is_none(tmp_path: Path) -> None:
    for version, make in (("1.3", lambda path: path.symlink_to("/etc/hostname")), ("1.4", os.mkfifo)):
        archive = put(tmp_path, version, signature=None)
        make(archive.with_name(f"{archive.name}.sig"))
    assert found(tmp_path) == [("1.4", "unsigned"), ("1.3", "unsigned")]


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """Opening the pipe would wait for ever."""
    archive = put(tmp_path, "1.3")
    names = {version: tmp_path / f"soniquebay-{version}-aarch64.tar.gz" for version in ("1.4", "1.5", "1.6", "1.7")}
    names["1.4"].symlink_to(archive)
    names["1.5"].symlink_to("/nowhere")
    os.mkfifo(names["1.6"])
    names["1.7"].mkdir()
    assert found(tmp_path) == [*((version, "not_a_file") for version in ("1.7", "1.6", "1.5", "1.4")), ("1.3", "newer")]


def test_one_that_is_too_large_is_told_as_such(tmp_path: Path) -> None:
    os.truncate(put(tmp_path, "1.3"), offers.MAX_ARCHIVE_BYTES + 1)
    assert found(tmp_path) == [("1.3", "too_large")]


def test_of_very_many_the_newest_are_told(tmp_path: Path) -> None:
    for number in range(3 * offers.MAX_FOUND):
        put(tmp_path, f"2.{number}", signature=None)
    told = found(tmp_path)
    assert (len(told), told[0]) == (offers.MAX_FOUND, (f"2.{3 * offers.MAX_FOUND - 1}", "unsigned"))
