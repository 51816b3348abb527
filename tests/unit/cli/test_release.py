"""`soniquebay release`: a release is whole or not there, and an undone upgrade has its library back."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from soniquebay.cli import main

PROGRAM = '#!/bin/sh\nset -eu\n[ "$1" = version ]\necho {version}\n'


@dataclass
class Appliance:
    """A folder of releases with its link to the command, and archives beside it."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "opt"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def command(self) -> Path:
        return self.folder / "command"

    @property
    def current(self) -> Path:
        return self.root / "current"

    def archive(self, version: str, files: dict[str, str] | None = None, **changed: str | None) -> Path:
        """Write an archive with a program that prints its version; a text of None leaves that file out."""
        texts = {"VERSION": f"{version}\n", "bin/soniquebay": PROGRAM.format(version=version), **(files or {})}
        texts |= {
            {"VERSION_FILE": "VERSION", "PROGRAM": "bin/soniquebay"}[name]: text for name, text in changed.items()
        }
        members = [member(name, text) for name, text in texts.items() if text is not None]
        return self.pack(version, members)

    def pack(self, name: str, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
        path = self.folder / f"{name}.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for info, content in members:
                archive.addfile(info, io.BytesIO(content))
        return path

    def install(self, archive: Path, *options: str, checksum: str | None = None) -> Result:
        checksum = checksum or hashlib.sha256(archive.read_bytes()).hexdigest()
        return run("install", archive, "--root", self.root, "--sha256", checksum, *options)

    def activate(self, version: str, keep: int = 3) -> Result:
        return run("activate", version, "--root", self.root, "--command-link", self.command, "--keep", keep)

    def versions(self) -> list[str]:
        """Return all that is in the folder of releases."""
        return names(self.releases) if self.releases.exists() else []


def member(name: str, text: str, mode: int | None = None) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(text), 1_700_000_000
    info.mode = mode if mode is not None else 0o755 if name.startswith("bin/") else 0o644
    return info, text.encode()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["release", *map(str, arguments)])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def succeeded(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    return result.stderr


@pytest.fixture
def appliance(tmp_path: Path) -> Appliance:
    return Appliance(tmp_path)


def test_install_unpacks_a_release_and_leaves_the_current_one(appliance: Appliance) -> None:
    archive = appliance.archive("1.0", {"lib/module.py": "answer = 42\n"})
    assert succeeded(appliance.install(archive)) == f"changed {appliance.releases}/1.0\n"
    assert appliance.versions() == ["1.0"]
    assert (appliance.releases / "1.0/lib/module.py").read_text() == "answer = 42\n"
    assert (appliance.releases / "1.0/lib/module.py").stat().st_mtime == 1_700_000_000
    assert not appliance.current.exists()
    assert archive.exists()


def test_install_changes_nothing_when_the_archive_is_installed(appliance: Appliance) -> None:
    archive = appliance.archive("1.0")
    succeeded(appliance.install(archive))
    before = (appliance.releases / "1.0").stat()
    assert succeeded(appliance.install(archive)) == ""
    assert (appliance.releases / "1.0").stat() == before


def test_install_replaces_another_build_of_the_same_version(appliance: Appliance) -> None:
    succeeded(appliance.install(appliance.archive("1.0", {"lib/old.py": ""})))
    assert succeeded(appliance.install(appliance.archive("1.0", {"lib/new.py": ""}))) != ""
    assert names(appliance.releases / "1.0/lib") == ["new.py"]
    assert appliance.versions() == ["1.0"]


def test_install_removes_what_an_interrupted_one_has_left(appliance: Appliance) -> None:
    (appliance.releases / "1.0.partial/lib").mkdir(parents=True)
    succeeded(appliance.install(appliance.archive("1.0")))
    assert appliance.versions() == ["1.0"]


def test_everybody_may_read_a_release_and_only_its_owner_write_it(appliance: Appliance) -> None:
    files = [member("VERSION", "1.0"), member("bin/soniquebay", PROGRAM.format(version="1.0"), 0o777)]
    files += [member("lib/secret.py", "", 0o600), member("lib/open.py", "", 0o4666)]
    umask = os.umask(0o077)
    try:
        succeeded(appliance.install(appliance.pack("1.0", files)))
    finally:
        os.umask(umask)
    modes = {
        str(path.relative_to(appliance.root)): oct(stat.S_IMODE(path.stat().st_mode))
        for path in (appliance.root, *appliance.root.rglob("*"))
    }
    files_with_modes = {name: mode for name, mode in modes.items() if name.endswith((".py", "VERSION", "sha256"))}
    assert set(files_with_modes.values()) == {"0o644"}
    assert len(files_with_modes) == 4
    assert {mode for name, mode in modes.items() if name not in files_with_modes} == {"0o755"}


def test_install_refuses_a_wrong_checksum(appliance: Appliance) -> None:
    assert "SHA-256" in refused(appliance.install(appliance.archive("1.0"), checksum="0" * 64))
    assert not appliance.root.exists()


def test_install_refuses_another_version_than_expected(appliance: Appliance) -> None:
    archive = appliance.archive("1.0")
    assert "the archive holds version 1.0, not 1.1" in refused(appliance.install(archive, "--expect", "1.1"))
    assert not appliance.root.exists()
    succeeded(appliance.install(archive, "--expect", "1.0"))


@pytest.mark.parametrize("version", ["", "../1.0", ".hidden", "1.0/..", "1 0"])
def test_install_refuses_a_version_that_is_no_name_of_a_folder(appliance: Appliance, version: str) -> None:
    refused(appliance.install(appliance.archive("1.0", VERSION_FILE=version)))
    assert not appliance.root.exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b broken"])
def test_install_refuses_what_is_no_archive(appliance: Appliance, content: bytes) -> None:
    archive = appliance.folder / "file.tar.gz"
    archive.write_bytes(content)
    refused(appliance.install(archive))
    assert not appliance.root.exists()


def test_install_refuses_an_archive_without_a_version(appliance: Appliance) -> None:
    refused(appliance.install(appliance.archive("1.0", VERSION_FILE=None)))
    assert not appliance.root.exists()


def test_install_refuses_an_archive_that_ends_early(appliance: Appliance) -> None:
    noise = "".join(hashlib.sha256(bytes([number % 256, number // 256])).hexdigest() for number in range(4000))
    archive = appliance.archive("1.0", {"lib/noise": noise})
    archive.write_bytes(archive.read_bytes()[:-1000])
    assert "cannot be unpacked" in refused(appliance.install(archive))
    assert appliance.versions() == []


def link(kind: bytes) -> Callable[[str], tuple[tarfile.TarInfo, bytes]]:
    def make(name: str) -> tuple[tarfile.TarInfo, bytes]:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "../../../../outside"
        return info, b""

    return make


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("../../../outside", lambda name: member(name, "text")),
        ("lib/link", link(tarfile.SYMTYPE)),
        ("lib/link", link(tarfile.LNKTYPE)),
        ("lib/pipe", link(tarfile.FIFOTYPE)),
        ("lib/device", link(tarfile.CHRTYPE)),
    ],
    ids=["path outside", "symbolic link", "hard link", "pipe", "device"],
)
def test_install_unpacks_files_and_folders_of_its_own_only(
    appliance: Appliance, name: str, make: Callable[[str], tuple[tarfile.TarInfo, bytes]]
) -> None:
    files = [member("VERSION", "1.0"), member("bin/soniquebay", PROGRAM.format(version="1.0"))]
    refused(appliance.install(appliance.pack("1.0", [*files, make(name)])))
    assert appliance.versions() == []
    assert not (appliance.folder / "outside").exists()


@pytest.mark.parametrize(
    "program",
    [None, "#!/bin/sh\nexit 3\n", "#!/bin/sh\necho 2.0\n", "#!/bin/sh\necho 11.0\n", "#!/nowhere\n"],
    ids=["missing", "fails", "another version", "longer version", "cannot start"],
)
def test_a_release_whose_program_does_not_run_replaces_nothing(appliance: Appliance, program: str | None) -> None:
    succeeded(appliance.install(appliance.archive("1.0", {"lib/old.py": ""})))
    assert "the program of release 1.0 does not" in refused(
        appliance.install(appliance.archive("1.0", PROGRAM=program))
    )
    assert appliance.versions() == ["1.0"]
    assert (appliance.releases / "1.0/lib/old.py").exists()


def test_a_release_is_on_the_disk_before_it_has_its_name(
    appliance: Appliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in for sync notes what is there each time."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "sync").write_text(f'#!/bin/sh\necho "$*" $(ls "$2") >>{tmp_path}/log\n')
    (programs / "sync").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    succeeded(appliance.install(appliance.archive("1.0")))
    call = f"--file-system {appliance.releases}"
    assert (tmp_path / "log").read_text().splitlines() == [f"{call} 1.0.partial", f"{call} 1.0"]


def installed(appliance: Appliance, *versions: str) -> None:
    """Install versions, each a day younger than the one before."""
    for day, version in enumerate(versions):
        succeeded(appliance.install(appliance.archive(version)))
        moment = 1_700_000_000 + day * 86400
        os.utime(appliance.releases / version, (moment, moment))


def test_activate_points_to_a_release(appliance: Appliance) -> None:
    installed(appliance, "1.0", "1.1")
    printed = succeeded(appliance.activate("1.0"))
    assert printed == f"changed {appliance.current}\nchanged {appliance.command}\n"
    assert appliance.current.readlink() == Path("releases/1.0")
    assert appliance.command.readlink() == appliance.current / "bin/soniquebay"
    assert succeeded(appliance.activate("1.0")) == ""
    assert succeeded(appliance.activate("1.1")) == f"changed {appliance.current}\n"
    assert appliance.command.resolve() == appliance.releases / "1.1/bin/soniquebay"
    assert names(appliance.root) == ["current", "releases"]


def test_activate_survives_a_link_that_an_interrupted_one_has_left(appliance: Appliance) -> None:
    installed(appliance, "1.0")
    (appliance.root / "current.new").symlink_to("nowhere")
    succeeded(appliance.activate("1.0"))
    assert names(appliance.root) == ["current", "releases"]


@pytest.mark.parametrize("version", ["2.0", "../1.0", "", "1.0/."])
def test_activate_refuses_what_is_no_release(appliance: Appliance, version: str) -> None:
    installed(appliance, "1.0")
    (appliance.root / "1.0").symlink_to("releases/1.0")
    assert "there is no release" in refused(appliance.activate(version))
    assert not appliance.current.is_symlink()
    assert not appliance.command.is_symlink()


def test_activate_keeps_the_newest_releases(appliance: Appliance) -> None:
    installed(appliance, "1.0", "1.1", "1.2", "1.3", "1.4")
    (appliance.releases / ".incoming").mkdir()
    succeeded(appliance.activate("1.3"))
    assert appliance.versions() == [".incoming", "1.2", "1.3", "1.4"]
    assert succeeded(appliance.activate("1.3")) == ""


@pytest.mark.parametrize("keep", [1, 2])
def test_activate_keeps_the_release_before_however_old_it_is(appliance: Appliance, keep: int) -> None:
    installed(appliance, "1.0", "1.1", "1.2", "1.3")
    appliance.current.symlink_to("releases/1.0")
    printed = succeeded(appliance.activate("1.3", keep))
    assert [line for line in printed.splitlines() if "/releases/" in line] == [
        f"changed {appliance.releases}/1.2",
        f"changed {appliance.releases}/1.1",
    ]
    assert appliance.versions() == ["1.0", "1.3"]


def test_activating_again_removes_no_further_release(appliance: Appliance) -> None:
    installed(appliance, "1.0", "1.1", "1.2")
    appliance.current.symlink_to("releases/1.0")
    succeeded(appliance.activate("1.2"))
    assert succeeded(appliance.activate("1.2")) == ""
    assert appliance.versions() == ["1.0", "1.1", "1.2"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library, with a stand-in for systemctl that notes its calls and which library is there at each."""
    data = tmp_path / "data"
    data.mkdir()
    for name in ("library.db", "library.db-wal", "library.db-shm"):
        (data / name).write_text("new")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "systemctl").write_text(f'#!/bin/sh\necho "$* ($(cat {data}/library.db))" >>{tmp_path}/log\n')
    (programs / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return data


def calls(data: Path) -> list[str]:
    log = data.with_name("log")
    return log.read_text().splitlines() if log.exists() else []


def test_the_oldest_copy_becomes_the_library_while_the_api_is_stopped(data: Path) -> None:
    for name, text in (("10", "ten"), ("9", "nine"), ("8.partial", "half a copy")):
        (data / f"library.db.schema-{name}").write_text(text)
    printed = succeeded(run("restore-library", "--data", data))
    assert printed == f"changed {data}/library.db: it is library.db.schema-9 again\n"
    assert (data / "library.db").read_text() == "nine"
    assert names(data) == ["library.db", "library.db.schema-10", "library.db.schema-8.partial"]
    stop = "stop --job-mode=replace-irreversibly "
    stop += "soniquebay-api.socke[t] soniquebay-control.socke[t] soniquebay-api.servic[e]"
    start = "start soniquebay-api.socket"
    assert calls(data) == [f"{stop} (new)", f"{start} (nine)"]


def test_what_users_keep_is_restored_too(data: Path) -> None:
    for name in ("listeners.db", "listeners.db-wal", "other.db.schema-1"):
        (data / name).write_text("new")
    for name, number in (("library", 9), ("listeners", 2), ("listeners", 3)):
        (data / f"{name}.db.schema-{number}").write_text(f"{name} {number}")
    succeeded(run("restore-library", "--data", data))
    assert ((data / "library.db").read_text(), (data / "listeners.db").read_text()) == ("library 9", "listeners 2")
    assert names(data) == ["library.db", "listeners.db", "listeners.db.schema-3", "other.db.schema-1"]


def test_nothing_happens_without_a_copy(data: Path) -> None:
    before = names(data)
    assert succeeded(run("restore-library", "--data", data)) == ""
    assert names(data) == before
    assert calls(data) == []


def test_the_api_is_reachable_again_when_the_library_cannot_be_restored(data: Path) -> None:
    (data / "library.db.schema-9").mkdir()
    assert run("restore-library", "--data", data).exit_code != 0
    assert calls(data)[-1] == "start soniquebay-api.socket (new)"


def test_the_library_stays_when_the_api_cannot_be_stopped(data: Path) -> None:
    (data / "library.db.schema-9").write_text("nine")
    (data.with_name("programs") / "systemctl").write_text("#!/bin/sh\necho no such unit >&2\nexit 5\n")
    assert "no such unit" in refused(run("restore-library", "--data", data))
    assert (data / "library.db").read_text() == "new"
    assert (data / "library.db-wal").exists()


@pytest.mark.parametrize("command", ["install", "activate", "restore-library"])
def test_it_works_without_the_libraries_of_the_application(command: str) -> None:
    """The role runs it from an archive of which only the application and click are unpacked."""
    code = (
        "import sys; from soniquebay.cli import main\n"
        f"try: main(['release', '{command}', '--help'])\n"
        "except SystemExit: pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    third_party = {name for name in done.stdout.splitlines()[-1].split() if not name.startswith("_")}
    assert third_party <= {"soniquebay", "click", "httpx"}
