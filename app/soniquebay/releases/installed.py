"""The releases that are unpacked on this machine, and the link to the one that runs.

    <root>/releases/<version>/   one unpacked release each
    <root>/current               symbolic link to the one that runs

These functions need nothing but the standard library and click, so that they work while Redis, the database or the API
does not. They raise ``click.ClickException`` with a sentence for a person.
"""

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path, PurePosixPath

import click

CHECKSUM_FILE = ".archive-sha256"  # in an unpacked release: which archive it came from
PROGRAM = "bin/soniquebay"
TRIAL_TIMEOUT_SECONDS = 600
MAX_VERSION_BYTES = 100
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~_-]*")


def install(
    archive: Path, root: Path, checksum: str, expected: str | None = None, *, repair: bool = False
) -> tuple[str, Path | None]:
    """Unpack a release archive beside the other releases, once it is verified and its program runs.

    Return the version, and the folder if it was not there yet. The current release stays the current one. A loss of
    power leaves the release whole or not there. `repair`: compare the files of a release that is there, and replace it
    when one differs.
    """
    _verify_checksum(archive, checksum)
    version = _read_version(archive)
    if expected is not None and version != expected:
        raise click.ClickException(f"the archive holds version {version}, not {expected}")
    releases = root / "releases"
    target = releases / version
    if _archive_of(target) == checksum and not (repair and _differs(target, archive)):
        return version, None
    partial = target.with_name(f"{version}.partial")
    for folder in (root, releases):
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o755)
    remove_folder(partial)
    partial.mkdir()
    try:
        _unpack(archive, partial)
        _try_program(partial, version)
        (partial / CHECKSUM_FILE).write_text(f"{checksum}\n")
        _set_modes(partial)
        sync(releases)
        if target.exists():
            _exchange(partial, target)
        else:
            partial.rename(target)
    finally:
        sync(releases)
        remove_folder(partial)
    return version, target


def make_current(version: str, root: Path, command_link: Path) -> list[Path]:
    """Make an installed release the current one by a rename; return the links that were changed."""
    releases = root / "releases"
    if not _VERSION.fullmatch(version) or not os.access(releases / version / PROGRAM, os.X_OK):
        raise click.ClickException(f"there is no release {version} in {releases}")
    current = root / "current"
    links = {current: Path("releases", version), command_link: current / PROGRAM}
    changed = [link for link, target in links.items() if point(link, target)]
    sync(root)
    return changed


def remove_oldest(root: Path, keep: int, protected: set[str]) -> list[Path]:
    """Remove the releases beyond the newest `keep`, but none that is `protected`; return their folders."""
    others = [path for path in (root / "releases").glob("[!.]*/") if path.name not in protected]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    removed = others[max(keep - len(protected), 0) :]
    for path in removed:
        shutil.rmtree(path)
    return removed


def versions(root: Path) -> list[str]:
    """Return the installed versions, the one that was installed last first."""
    found = [path for path in (root / "releases").glob("[!.]*/") if _VERSION.fullmatch(path.name)]
    found = [path for path in found if path.suffix != ".partial"]
    return [path.name for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]


def current_version(root: Path) -> str | None:
    """Return the version of the current release, if there is one."""
    current = root / "current"
    return current.readlink().name if current.is_symlink() else None


def _verify_checksum(archive: Path, expected: str) -> None:
    with archive.open("rb") as content:
        actual = hashlib.file_digest(content, "sha256").hexdigest()
    if actual != expected:
        raise click.ClickException(f"{archive} has the SHA-256 {actual}, not {expected}")


def _read_version(archive: Path) -> str:
    try:
        with tarfile.open(archive, "r:gz") as content:
            first = content.next()  # `VERSION`, so that the rest need not be read
            file = content.extractfile(first) if first is not None and first.name == "VERSION" else None
            text = file.read(MAX_VERSION_BYTES).decode("ascii", "replace").strip() if file else ""
    except (tarfile.TarError, OSError, EOFError) as error:
        raise click.ClickException(f"{archive} is no release archive: {error}") from error
    if not _VERSION.fullmatch(text):
        raise click.ClickException(f"{archive} does not begin with a file VERSION that names a version: {text!r}")
    return text


def _archive_of(unpacked: Path) -> str | None:
    try:
        return (unpacked / CHECKSUM_FILE).read_text().strip()
    except FileNotFoundError:
        return None


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive of files and folders; raises `click.ClickException` when it holds anything else.

    Member by member: the safe filters of `tarfile` are missing in Debian 12's Python.
    """
    try:
        with tarfile.open(archive, "r:gz") as content:
            for member in content:
                path = PurePosixPath(member.name)
                if not (member.isreg() or member.isdir()):
                    raise click.ClickException(f"{archive}: {member.name} is neither a file nor a folder")
                if path.is_absolute() or ".." in path.parts:
                    raise click.ClickException(f"{archive}: {member.name} leads out of the release")
                _unpack_member(content, member, folder / path)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise click.ClickException(f"{archive} cannot be unpacked: {error}") from error


def _unpack_member(content: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = content.extractfile(member)
    with target.open("xb") as file:
        if source is not None:
            shutil.copyfileobj(source, file)
    target.chmod(member.mode & 0o777)
    os.utime(target, (member.mtime, member.mtime))


def _differs(folder: Path, archive: Path) -> bool:
    """Tell whether a file of an unpacked release is missing or has another content than in its archive."""
    with tarfile.open(archive, "r:gz") as content:
        for member in content:
            source = content.extractfile(member) if member.isreg() else None
            try:
                if source is not None and source.read() != (folder / member.name).read_bytes():
                    return True
            except OSError:
                return True
    return False


def _exchange(one: Path, other: Path) -> None:
    """Exchange two folders by one step, so that neither name is ever missing (renameat2(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    if libc.renameat2(*names, _RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(one), None, str(other))


def _try_program(folder: Path, version: str) -> None:
    """Run the program of an unpacked release; raises `click.ClickException` unless it prints its version."""
    try:
        done = subprocess.run(
            [folder / PROGRAM, "version"], capture_output=True, text=True, check=False, timeout=TRIAL_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise click.ClickException(f"the program of release {version} does not run: {error}") from error
    if done.returncode or version not in done.stdout.split():
        output = (done.stdout + done.stderr).strip()
        raise click.ClickException(f"the program of release {version} does not print its version: {output}")


def _set_modes(folder: Path) -> None:
    """Let everybody read, and only the owner write."""
    for parent, _, names in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in names:
            path = Path(parent, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def point(link: Path, target: Path) -> bool:
    """Make a symbolic link, or replace one by a rename; return whether it has changed."""
    if link.is_symlink() and link.readlink() == target:
        return False
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
    return True


def sync(folder: Path) -> None:
    """Write the file system of a folder to the disk; Python has only `os.sync`, which waits for all file systems."""
    subprocess.run(["sync", "--file-system", folder], check=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder with what is in it, if it is there. Raises ``OSError``."""
    if folder.exists():
        shutil.rmtree(folder)
