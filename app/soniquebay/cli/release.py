"""`soniquebay release …`: install a release, make it the current one, and restore the library of an older one.

Ansible's role `release` and playbooks/upgrade.yml run these commands, by the program of the release that they install.
They need nothing but the standard library and click, so that they work while Redis, the database or the API does not.
A command prints "changed" and a path for everything that it changes, and nothing when there is nothing to do.

    <root>/releases/<version>/   one unpacked release each
    <root>/current               symbolic link to the one that runs
"""

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
API_SOCKET_UNIT, API_UNIT = "soniquebay-api.socket", "soniquebay-api.service"
# A pattern, because earlier releases have no such unit. It would start the API; the API's start opens it again.
CONTROL_SOCKET_UNIT = "soniquebay-control.socke[t]"
DATABASES = ("library.db", "listeners.db")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~_-]*")
_COPY = re.compile(r"(.+\.db)\.schema-(\d+)")  # as `SqliteDatabase.migrate` names them

_root_option = click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default="/opt/soniquebay",
    show_default=True,
    help="Folder of the releases.",
)


@click.group()
def release() -> None:
    """Install, activate and undo releases of this appliance (run as root)."""


@release.command()
@_root_option
@click.option("--sha256", "checksum", required=True, help="SHA-256 of the archive, in hexadecimal.")
@click.option("--expect", "expected", help="Version that the archive must hold.")
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def install(archive: Path, root: Path, checksum: str, expected: str | None) -> None:
    """Unpack a release archive beside the other releases, once it is verified and its program runs.

    The current release stays the current one. A loss of power leaves the release whole or not there.
    """
    _verify_checksum(archive, checksum)
    version = _read_version(archive)
    if expected is not None and version != expected:
        raise click.ClickException(f"the archive holds version {version}, not {expected}")
    releases = root / "releases"
    target = releases / version
    if _archive_of(target) == checksum:
        return
    partial, replaced = (target.with_name(f"{version}.{suffix}") for suffix in ("partial", "replaced"))
    for folder in (root, releases):
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o755)
    _remove(partial)
    _remove(replaced)
    partial.mkdir()
    try:
        _unpack(archive, partial)
        _try_program(partial, version)
        (partial / CHECKSUM_FILE).write_text(f"{checksum}\n")
        _set_modes(partial)
        _sync(releases)
        if target.exists():
            target.rename(replaced)
        partial.rename(target)
    finally:
        _remove(partial)
    _sync(releases)
    _remove(replaced)
    click.echo(f"changed {target}")


@release.command()
@_root_option
@click.option(
    "--command-link",
    type=click.Path(path_type=Path),
    default="/usr/local/bin/soniquebay",
    show_default=True,
    help="Link to the command of the current release.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="How many releases stay. The current one and the one before it always do.",
)
@click.argument("version")
def activate(version: str, root: Path, command_link: Path, keep: int) -> None:
    """Make an installed release the current one by a rename, and remove the oldest releases."""
    releases = root / "releases"
    if not _VERSION.fullmatch(version) or not os.access(releases / version / PROGRAM, os.X_OK):
        raise click.ClickException(f"there is no release {version} in {releases}")
    current = root / "current"
    before = current.readlink().name if current.is_symlink() else None
    _point(current, Path("releases", version))
    _point(command_link, current / PROGRAM)
    protected = {version, before} - {None}
    others = [path for path in releases.glob("[!.]*/") if path.name not in protected]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[max(keep - len(protected), 0) :]:
        shutil.rmtree(path)
        click.echo(f"changed {path}")
    _sync(root)


@release.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="/var/lib/soniquebay",
    show_default=True,
    help="Folder of the library.",
)
def restore_library(data: Path) -> None:
    """Restore the library, and what users keep, as it was before an upgrade changed its schema.

    The API copies a database before it migrates it. Without a copy there is nothing to restore. The command stops the
    API and opens its socket again afterwards. Everything that was written since the copy is lost.
    """
    oldest: dict[str, tuple[int, Path]] = {}
    for path in data.iterdir():
        match = _COPY.fullmatch(path.name)
        if match and match[1] in DATABASES:
            copy = (int(match[2]), path)
            oldest[match[1]] = min(oldest.get(match[1], copy), copy)
    if not oldest:
        return
    _systemctl("stop", API_SOCKET_UNIT, CONTROL_SOCKET_UNIT, API_UNIT)
    try:
        for name, (_, path) in sorted(oldest.items()):
            # These belong to the newer file: SQLite would apply them to the older one, and the API miss the first.
            for suffix in ("-wal", "-shm", ".state"):
                (data / f"{name}{suffix}").unlink(missing_ok=True)
            path.replace(data / name)
            click.echo(f"changed {data / name}: it is {path.name} again")
        _sync(data)
    finally:
        _systemctl("start", API_SOCKET_UNIT)


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


def _try_program(folder: Path, version: str) -> None:
    """Run the program of an unpacked release; raises `click.ClickException` unless it prints its version."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [folder / PROGRAM, "version"],
            env=environment, capture_output=True, text=True, check=False, timeout=TRIAL_TIMEOUT_SECONDS,
        )  # fmt: skip
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


def _point(link: Path, target: Path) -> None:
    """Make a symbolic link, or replace one by a rename."""
    if link.is_symlink() and link.readlink() == target:
        return
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
    click.echo(f"changed {link}")


def _sync(folder: Path) -> None:
    """Write the file system of a folder to the disk; Python has only `os.sync`, which waits for all file systems."""
    subprocess.run(["sync", "--file-system", folder], check=True)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _systemctl(*arguments: str) -> None:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()}")
