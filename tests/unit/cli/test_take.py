"""`soniquebay release take`: root installs what the API asks for only if it is newer, and signed by who is trusted.

The stand-in for systemd-run runs the upgrade itself, with the transaction that `test_upgrade.py` tests.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from soniquebay.releases import offers, request, taking
from tests.support.release_machine import ROOT, Machine
from tests.support.ssh_keys import make_key, sign, trust
from tests.support.stack import wait_until

SYSTEMD_RUN = """#!{python}
import os, subprocess, sys
if "release" not in sys.argv:  # a command of the system, which the upgrade runs itself
    os.execv("{folder}/programs/systemd-run.other", sys.argv)
with open("{folder}/run", "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
if os.environ.get("BUSY"):
    sys.exit("Failed to start transient service unit: Unit soniquebay-upgrade.service was already loaded")
swap = os.environ.get("SWAP")
if swap:  # somebody changes the file on the drive, when it was looked at and before it is installed
    with open(swap, "wb") as file:
        file.write(b"something else")
words = sys.argv[sys.argv.index("release"):]
more = ["--control-socket", "{folder}/control.sock", "--healthy-seconds", "3"]
sys.exit(subprocess.run([sys.executable, "-m", "soniquebay.cli", *words, *more]).returncode)
"""


@dataclass
class Appliance:
    """A machine with release 1.0 that trusts `key`, a folder of music, and the folder in which the API asks."""

    machine: Machine
    key: Path

    @property
    def root(self) -> Path:
        return self.machine.folder / "opt"

    @property
    def data(self) -> Path:
        return self.machine.folder / "data"

    @property
    def music(self) -> Path:
        return self.machine.folder / "music"

    def archive(self, version: str = "1.1", kind: str = "healthy", name: str | None = None) -> Path:
        """Write an archive to the music's folder, with its signature. `name`: the version that its name tells."""
        made = self.machine.archive(version, kind, signers=trust(self.key))
        archive = made.rename(self.music / f"soniquebay-{name or version}-aarch64.tar.gz")
        sign(archive, self.key)
        return archive

    def ask(self, archive: Path | str) -> None:
        request.write(self.data, os.fsencode(archive))

    def take(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "soniquebay.cli", "release", "take", *map(str, arguments), "--root", self.root,
             "--data", self.data, "--command-link", self.machine.folder / "command"],
            check=False, capture_output=True, text=True, timeout=120, cwd=ROOT,
            env={**self.machine.environment, "SONIQUEBAY_MUSIC": str(self.music), **environment},
        )  # fmt: skip

    def assert_refused(self, done: subprocess.CompletedProcess[str], reason: str) -> None:
        """Assert that nothing was touched, that the request is gone, and that the page is told why."""
        assert done.returncode == 1, done.stdout
        assert reason in done.stderr
        told = request.refusal(self.root)
        assert told is not None
        assert reason in told.reason
        assert self.machine.is_as_before()
        self.assert_tidy()
        assert self.machine.ended() == []

    def assert_tidy(self) -> None:
        assert not request.waits(self.data)
        assert not (self.root / taking.INCOMING).exists()
        assert request.running(self.root) is None

    def runs(self) -> list[str]:
        path = self.machine.folder / "run"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    machine = Machine(tmp_path)
    made = Appliance(machine, make_key(tmp_path / "key"))
    (made.root / "releases/1.0/SIGNERS").write_text(trust(made.key))
    made.music.mkdir()
    program = tmp_path / "programs/systemd-run"
    program.rename(program.with_suffix(".other"))
    program.write_text(SYSTEMD_RUN.format(python=sys.executable, folder=tmp_path))
    program.chmod(0o755)
    yield made
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((tmp_path / "api.pid").read_text()), signal.SIGKILL)


def test_a_newer_release_that_is_signed_is_installed(appliance: Appliance) -> None:
    request.note_refusal(appliance.root, "1.1", "an earlier one")
    appliance.ask(appliance.archive())
    done = appliance.take()
    assert done.returncode == 0, done.stderr
    assert appliance.machine.is_upgraded()
    assert request.refusal(appliance.root) is None
    appliance.assert_tidy()
    (run,) = appliance.runs()
    assert run.startswith("--unit=soniquebay-upgrade --quiet --collect --wait --pipe ")
    assert " --expect 1.1 --require-signature " in run
    assert f"{appliance.root}/.update/soniquebay-1.1-aarch64.tar.gz" in run


def test_an_archive_that_was_uploaded_is_installed(appliance: Appliance) -> None:
    folder = appliance.data / "update"
    folder.mkdir()
    archive = appliance.archive()
    for path in (archive, archive.with_name(f"{archive.name}.sig")):
        shutil.move(path, folder)
    appliance.ask(folder / archive.name)
    assert appliance.take().returncode == 0
    assert appliance.machine.is_upgraded()


def test_an_operator_names_the_archive(appliance: Appliance) -> None:
    elsewhere = appliance.machine.folder / "elsewhere"
    appliance.archive()
    appliance.music.rename(elsewhere)
    done = appliance.take(elsewhere / "soniquebay-1.1-aarch64.tar.gz")
    assert done.returncode == 0, done.stderr
    assert appliance.machine.is_upgraded()
    older = appliance.take(elsewhere / "soniquebay-1.1-aarch64.tar.gz")
    assert "release 1.1 runs, and 1.1 is not newer" in older.stderr


def test_without_a_request_nothing_happens(appliance: Appliance) -> None:
    done = appliance.take()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert appliance.runs() == []


def test_one_that_is_not_healthy_is_undone_and_the_journal_says_why(appliance: Appliance) -> None:
    appliance.ask(appliance.archive(kind="sick"))
    done = appliance.take()
    assert done.returncode == taking.UNDONE
    assert "the upgrade to 1.1 is undone: release 1.1 is not healthy" in done.stderr
    assert appliance.machine.is_as_before()
    assert request.refusal(appliance.root) is None
    appliance.assert_tidy()


def unsigned(appliance: Appliance, archive: Path) -> None:
    archive.with_name(f"{archive.name}.sig").unlink()


def signed_by_another(appliance: Appliance, archive: Path) -> None:
    sign(archive, make_key(appliance.machine.folder / "other"))


def without_keys(appliance: Appliance, archive: Path) -> None:
    (appliance.root / "releases/1.0/SIGNERS").unlink()


def linked(appliance: Appliance, archive: Path) -> None:
    archive.rename(appliance.machine.folder / "behind")
    archive.symlink_to(appliance.machine.folder / "behind")


def with_a_linked_signature(appliance: Appliance, archive: Path) -> None:
    signature = archive.with_name(f"{archive.name}.sig")
    signature.rename(appliance.machine.folder / "behind")
    signature.symlink_to(appliance.machine.folder / "behind")


def pipe(appliance: Appliance, archive: Path) -> None:
    archive.unlink()
    os.mkfifo(archive)


def folder(appliance: Appliance, archive: Path) -> None:
    archive.unlink()
    archive.mkdir()


def huge(appliance: Appliance, archive: Path) -> None:
    os.truncate(archive, 1 << 40)  # without blocks; no disk has room for a copy


def with_a_huge_signature(appliance: Appliance, archive: Path) -> None:
    os.truncate(archive.with_name(f"{archive.name}.sig"), offers.MAX_SIGNATURE_BYTES + 1)


def gone(appliance: Appliance, archive: Path) -> None:
    archive.unlink()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (unsigned, "there is no file soniquebay-1.1-aarch64.tar.gz.sig any more"),
        (signed_by_another, "which release 1.0 does not trust"),
        (without_keys, "release 1.0 has no keys, so the signature cannot be checked"),
        (linked, "soniquebay-1.1-aarch64.tar.gz is a link"),
        (with_a_linked_signature, "soniquebay-1.1-aarch64.tar.gz.sig is a link"),
        (pipe, "soniquebay-1.1-aarch64.tar.gz is no file"),
        (folder, "soniquebay-1.1-aarch64.tar.gz is no file"),
        (huge, "is larger than 524288 KB, so it is no release"),
        (with_a_huge_signature, "is larger than 16 KB, so it is no release"),
        (gone, "there is no file soniquebay-1.1-aarch64.tar.gz any more"),
    ],
)
def test_others_are_refused_and_nothing_is_touched(
    appliance: Appliance, spoil: Callable[[Appliance, Path], None], reason: str
) -> None:
    archive = appliance.archive()
    spoil(appliance, archive)
    appliance.ask(archive)
    appliance.assert_refused(appliance.take(), reason)


@pytest.mark.parametrize("version", ["1.0", "0.9", "1.0rc1"])
def test_one_that_is_not_newer_is_refused_although_it_is_signed(appliance: Appliance, version: str) -> None:
    appliance.ask(appliance.archive(version))
    appliance.assert_refused(appliance.take(), f"release 1.0 runs, and {version} is not newer")


def test_an_old_release_under_a_newer_name_is_refused(appliance: Appliance) -> None:
    appliance.ask(appliance.archive("0.9", name="1.1"))
    appliance.assert_refused(appliance.take(), "the archive holds version 0.9, not 1.1")


@pytest.mark.parametrize(
    "path",
    [
        "{music}/below/{name}",
        "{music}/../elsewhere/{name}",
        "{music}//../elsewhere/{name}",
        "{folder}/elsewhere/{name}",
        "{music}/link/{name}",
        "elsewhere/{name}",
        "{music}/.",
        "{music}/soniquebay-../1.1-aarch64.tar.gz",
        "",
        "\\0",
    ],
)
def test_an_archive_elsewhere_is_refused(appliance: Appliance, path: str) -> None:
    archive = appliance.archive()
    for place in (appliance.machine.folder / "elsewhere", appliance.music / "below"):
        place.mkdir()
        for file in (archive, archive.with_name(f"{archive.name}.sig")):
            shutil.copy(file, place)
    (appliance.music / "link").symlink_to(appliance.machine.folder / "elsewhere")
    appliance.ask(path.format(music=appliance.music, folder=appliance.machine.folder, name=archive.name))
    done = appliance.take()
    assert done.returncode == 1
    assert "neither at the top of a drive of music nor uploaded" in done.stderr or "has not the name" in done.stderr
    assert appliance.machine.is_as_before()
    assert appliance.runs() == []
    appliance.assert_tidy()


def test_what_is_changed_after_it_was_copied_is_not_what_is_installed(appliance: Appliance) -> None:
    archive = appliance.archive()
    appliance.ask(archive)
    done = appliance.take(SWAP=str(archive))
    assert archive.read_bytes() == b"something else"
    assert done.returncode == 0, done.stderr
    assert appliance.machine.is_upgraded()


def test_what_is_changed_before_it_is_copied_does_not_fit_its_signature(appliance: Appliance) -> None:
    archive = appliance.archive()
    appliance.ask(archive)
    archive.write_bytes(appliance.machine.archive("1.1", "sick").read_bytes())
    appliance.assert_refused(appliance.take(), "is not the signature of this archive")


def test_the_copies_are_roots_alone(appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    made = taking.Taking(appliance.root, appliance.data, (appliance.music,), appliance.machine.folder / "command")
    monkeypatch.setattr(
        taking.Taking, "_upgrade", lambda _, archive, *rest: modes.append(archive.parent.stat().st_mode & 0o777) or 0
    )
    appliance.ask(appliance.archive())
    assert made.serve_request() == 0
    assert modes == [0o700]


def as_a_link(path: Path, folder: Path) -> None:
    (folder / "secret").write_text(json.dumps({"archive": "/etc/shadow"}))
    path.symlink_to(folder / "secret")


def as_a_pipe(path: Path, folder: Path) -> None:
    os.mkfifo(path)


def as_nonsense(path: Path, folder: Path) -> None:
    path.write_bytes(b"\xff" * 20)


def as_another_kind(path: Path, folder: Path) -> None:
    path.write_text('["archive"]')


def as_a_number(path: Path, folder: Path) -> None:
    path.write_text('{"archive": 7}')


def as_too_much(path: Path, folder: Path) -> None:
    path.write_text(json.dumps({"archive": "/" * (4 << 20)}))


@pytest.mark.parametrize("make", [as_a_link, as_a_pipe, as_nonsense, as_another_kind, as_a_number, as_too_much])
def test_a_request_that_is_none_is_refused(appliance: Appliance, make: Callable[[Path, Path], None]) -> None:
    (appliance.data / "update").mkdir()
    make(appliance.data / "update/request.json", appliance.machine.folder)
    appliance.assert_refused(appliance.take(), "the request")


def test_a_request_that_is_a_folder_is_told_as_such(appliance: Appliance) -> None:
    (appliance.data / "update/request.json").mkdir(parents=True)
    done = appliance.take()
    assert (done.returncode, "the request cannot be read: request.json is no file" in done.stderr) == (1, True)


def test_a_folder_of_requests_that_is_a_link_is_not_followed(appliance: Appliance) -> None:
    elsewhere = appliance.machine.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "request.json").write_text(json.dumps({"archive": str(appliance.archive())}))
    (appliance.data / "update").symlink_to(elsewhere)
    done = appliance.take()
    assert (done.returncode, "is no folder" in done.stderr) == (1, True)
    assert (elsewhere / "request.json").exists()


def test_a_second_request_is_refused_while_one_is_served(appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = appliance.archive()
    monkeypatch.setattr(request, "LOCK_SECONDS", 0.2)
    made = taking.Taking(appliance.root, appliance.data, (appliance.music,), appliance.machine.folder / "command")
    begun, end = threading.Event(), threading.Event()

    def wait(*_: Any) -> int:
        begun.set()
        end.wait(30)
        return 0

    monkeypatch.setattr(taking.Taking, "_upgrade", wait)
    appliance.ask(archive)
    first = threading.Thread(target=made.serve_request)
    first.start()
    assert begun.wait(30)
    told = wait_until(lambda: request.running(appliance.root))
    assert told.version == "1.1"
    appliance.ask(archive)
    with pytest.raises(click.ClickException, match="another update is being installed"):
        made.serve_request()
    assert not request.waits(appliance.data)
    end.set()
    first.join()
    appliance.assert_tidy()


def test_it_is_refused_while_another_upgrade_runs(appliance: Appliance) -> None:
    appliance.ask(appliance.archive())
    appliance.assert_refused(appliance.take(BUSY="1"), "another upgrade runs on this machine: wait for its end")
