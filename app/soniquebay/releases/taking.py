"""Root's part of an update: take an archive from where others can write, and have it installed if it is trusted.

What is verified has to be what is installed. So archive and signature are copied into a folder that root alone can
enter, by descriptors that follow no link, and all that comes after uses the copies. Nothing unpacks an archive before
its signature was verified. An older release is refused, although its signature is good, too: it may have known holes.
"""

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import click

from soniquebay import foreign_file
from soniquebay.procfs import MIB
from soniquebay.releases import installed, offers, request, signatures
from soniquebay.releases.versions import archive_name, compare, version_of

INCOMING = ".update"  # in the folder of the releases; root's alone
UNIT = "soniquebay-upgrade"  # as playbooks/upgrade.yml names it: there is one at a time
SPARE_BYTES = 64 * MIB  # that stay free
UNDONE = 3  # exit status of an upgrade that has gone back; the journal has its reason
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Taking:
    """Where archives may come from, and where they are installed."""

    root: Path
    data: Path
    music: tuple[Path, ...]
    command_link: Path

    def serve_request(self) -> int | None:
        """Install the archive that the API has asked for; return the exit status, None if there is no request.

        Raises ``click.ClickException`` with why it has come to nothing, which is also kept for the page.
        """
        try:
            with request.serving(self.root) as lock:
                return self._serve(lock)
        except request.BusyError as error:
            request.take(self.data)  # else systemd would start this again at once
            raise click.ClickException(str(error)) from error

    def _serve(self, lock: TextIO) -> int | None:
        version = ""
        try:
            archive = request.take(self.data)
            if archive is None:
                return None
            version = version_of(Path(os.fsdecode(archive)).name) or ""
            request.note_serving(lock, version)
            request.forget_refusal(self.root)
            folder, name = self._allowed(archive)
            self._check_newer(version)
            return self._install(folder, name, version)
        except (click.ClickException, request.RequestError, OSError) as error:
            reason = error.format_message() if isinstance(error, click.ClickException) else str(error)
            request.note_refusal(self.root, version, reason)
            raise click.ClickException(reason) from error

    def install_file(self, archive: Path) -> int:
        """Install an archive that root names; return the exit status. Raises ``click.ClickException``."""
        path = archive.absolute()
        version = version_of(path.name)
        if version is None:
            raise click.ClickException(f"{archive} has not the name of a release archive, {archive_name('<version>')}")
        self._check_newer(version)
        try:
            with request.serving(self.root) as lock:
                request.note_serving(lock, version)
                request.forget_refusal(self.root)
                return self._install(os.fsencode(path.parent.resolve()), path.name, version)
        except request.BusyError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.ClickException(f"{archive} cannot be read: {error.strerror}") from error

    def _allowed(self, archive: bytes) -> tuple[bytes, str]:
        """Return folder and name of an archive that the API has named; raises ``click.ClickException`` for others."""
        folder, name = os.path.split(archive)
        uploaded = os.fsencode(self.data / request.UPDATE_FOLDER)
        if folder != uploaded and folder not in offers.places(self.music, offers.MOUNTINFO.read_bytes()):
            raise click.ClickException("the archive is neither at the top of a drive of music nor uploaded")
        if version_of(os.fsdecode(name)) is None:
            raise click.ClickException(f"the file has not the name of a release archive, {archive_name('<version>')}")
        return folder, os.fsdecode(name)

    def _check_newer(self, version: str) -> None:
        current = installed.current_version(self.root)
        if current is None:
            raise click.ClickException(f"there is no release in {self.root}")
        if compare(version, current) <= 0:
            raise click.ClickException(
                f"release {current} runs, and {version} is not newer: `soniquebay release rollback` goes back"
            )

    def _install(self, folder: bytes, name: str, version: str) -> int:
        incoming = self.root / INCOMING
        installed.remove_folder(incoming)
        incoming.mkdir(mode=0o700)
        try:
            source = foreign_file.open_folder(folder)
            try:
                archive = incoming / name
                signature = f"{name}{signatures.SUFFIX}"
                copy(source, signature, incoming / signature, offers.MAX_SIGNATURE_BYTES)
                checksum = copy(source, name, archive, offers.MAX_ARCHIVE_BYTES)
            finally:
                os.close(source)
            return self._upgrade(archive, checksum, version)
        finally:
            installed.remove_folder(incoming)

    def _upgrade(self, archive: Path, checksum: str, version: str) -> int:
        """Have systemd run the upgrade, and wait for its end; it goes on if this process ends before it.

        Raises ``click.ClickException`` when nothing was touched.
        """
        # One that has failed would stand in the way of the next.
        subprocess.run(["systemctl", "reset-failed", f"{UNIT}.service"], capture_output=True, check=False)
        done = subprocess.run(
            [
                *("systemd-run", f"--unit={UNIT}", "--quiet", "--collect", "--wait", "--pipe"),
                *(self.root / "current" / installed.PROGRAM, "release", "upgrade", archive, "--sha256", checksum),
                *("--expect", version, "--require-signature"),
                *("--root", self.root, "--data", self.data, "--command-link", self.command_link),
            ],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        if "already" in done.stderr and UNIT in done.stderr:  # systemd has a unit of this name
            raise click.ClickException("another upgrade runs on this machine: wait for its end")
        if done.returncode not in {0, UNDONE}:
            lines = done.stderr.strip().splitlines() or [f"the upgrade has ended with the status {done.returncode}"]
            raise click.ClickException(lines[-1].removeprefix("Error: "))
        return done.returncode


def copy(folder: int, name: str, target: Path, max_bytes: int) -> str:
    """Copy a regular file of an open folder, and return the SHA-256 of the copy, in hexadecimal.

    Raises ``click.ClickException`` when it is something else, too large, or the disk is too full.
    """
    try:
        opened = foreign_file.open_file(name, folder)
    except FileNotFoundError as error:
        raise click.ClickException(f"there is no file {name} any more") from error
    except foreign_file.NotAFileError as error:
        raise click.ClickException(str(error)) from error
    digest, copied = hashlib.sha256(), 0
    with opened as source, target.open("xb") as file:
        size = os.fstat(source.fileno()).st_size
        too_large = f"{name} is larger than {max_bytes >> 10} KB, so it is no release"
        if size > max_bytes:
            raise click.ClickException(too_large)
        space = os.statvfs(target.parent)
        if space.f_bavail * space.f_frsize < size + SPARE_BYTES:
            raise click.ClickException(f"the disk of {target.parent.parent} is too full: make room there")
        while chunk := source.read(_CHUNK_BYTES):
            copied += len(chunk)
            if copied > max_bytes:  # it grows
                raise click.ClickException(too_large)
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
