"""`soniquebay release upgrade` takes an archive only if the current release trusts the key that has signed it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.release_machine import Machine, sha256
from tests.support.ssh_keys import make_key, sign, trust


@dataclass
class Signed:
    """A machine with release 1.0, which trusts `key`; and archives that are signed with `key` or with another one."""

    machine: Machine
    key: Path
    other: Path

    @property
    def signers(self) -> Path:
        return self.machine.folder / "opt/releases/1.0/SIGNERS"

    def archive(self, version: str = "1.1", key: Path | None = None, signers: str = "") -> Path:
        archive = self.machine.archive(version, signers=signers)
        sign(archive, key or self.key)
        return archive

    def assert_refused(self, done: subprocess.CompletedProcess[str], reason: str) -> None:
        """Assert that nothing was touched, and that the machine says why."""
        assert done.returncode == 1, done.stdout
        assert reason in done.stderr
        assert self.machine.is_as_before()
        assert sorted(path.name for path in self.signers.parents[1].iterdir()) == ["1.0"]
        assert self.machine.ended() == []
        assert not (self.machine.folder / "calls").exists()


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[Signed]:
    machine = Machine(tmp_path)
    made = Signed(machine, make_key(tmp_path / "key"), make_key(tmp_path / "other"))
    made.signers.write_text(trust(made.key))
    yield made
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((tmp_path / "api.pid").read_text()), signal.SIGKILL)


def fingerprint(key: Path) -> str:
    printed = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], check=True, capture_output=True, text=True).stdout
    return printed.split()[1]


def test_an_archive_that_is_signed_with_a_trusted_key_is_installed(signed: Signed) -> None:
    done = signed.machine.upgrade(signed.archive())
    assert done.returncode == 0, done.stderr
    assert f"signed with the key {fingerprint(signed.key)}, which release 1.0 trusts" in done.stdout
    assert signed.machine.is_upgraded()


@pytest.mark.parametrize("signers", [None, "", "\n# no keys yet\n\n"], ids=["no file", "empty", "only a comment"])
def test_a_release_without_keys_says_that_it_checks_no_signature(signed: Signed, signers: str | None) -> None:
    signed.signers.unlink()
    if signers is not None:
        signed.signers.write_text(signers)
    archive = signed.machine.archive("1.1")
    archive.with_name(f"{archive.name}.sig").write_text("damaged")
    done = signed.machine.upgrade(archive)
    assert done.returncode == 0, done.stderr
    assert "the signature is not checked: release 1.0 has no keys to check it with" in done.stdout
    assert signed.machine.is_upgraded()


def without(signed: Signed, archive: Path) -> None:
    archive.with_name(f"{archive.name}.sig").unlink()


def cut(signed: Signed, archive: Path) -> None:
    signature = archive.with_name(f"{archive.name}.sig")
    signature.write_text(signature.read_text()[:100])


def emptied(signed: Signed, archive: Path) -> None:
    archive.with_name(f"{archive.name}.sig").write_text("")


def of_another_key(signed: Signed, archive: Path) -> None:
    sign(archive, signed.other)


def of_another_namespace(signed: Signed, archive: Path) -> None:
    sign(archive, signed.key, "file")


def of_another_archive(signed: Signed, archive: Path) -> None:
    signature = sign(signed.machine.archive("1.2"), signed.key)
    shutil.copy(signature, archive.with_name(f"{archive.name}.sig"))


def of_an_archive_that_has_changed(signed: Signed, archive: Path) -> None:
    archive.write_bytes(b"no archive")  # so nobody has read it before the signature was checked


NOT_ITS_OWN = "is not the signature of this archive as a release: build the release again, or copy both files again"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (without, "has no signature beside it, and release 1.0 wants one: put 1.1-healthy.tar.gz.sig there too"),
        (cut, NOT_ITS_OWN),
        (emptied, NOT_ITS_OWN),
        (of_another_key, "which release 1.0 does not trust: sign it with a key that is in"),
        (of_another_namespace, NOT_ITS_OWN),
        (of_another_archive, NOT_ITS_OWN),
        (of_an_archive_that_has_changed, NOT_ITS_OWN),
    ],
)
def test_a_release_that_trusts_keys_refuses_all_other_archives(
    signed: Signed, spoil: Callable[[Signed, Path], None], reason: str
) -> None:
    archive = signed.archive()
    spoil(signed, archive)
    signed.assert_refused(signed.machine.upgrade(archive), reason)


def test_the_key_that_is_not_trusted_is_named(signed: Signed) -> None:
    done = signed.machine.upgrade(signed.archive(key=signed.other))
    assert f"is signed with the key {fingerprint(signed.other)}, which" in done.stderr


def test_a_damaged_file_of_keys_does_not_switch_the_check_off(signed: Signed) -> None:
    signed.signers.write_bytes(bytes(200))  # as a file system leaves it that has lost its content
    signed.assert_refused(signed.machine.upgrade(signed.archive()), "which release 1.0 does not trust")


def test_a_repair_wants_a_signature_as_well(signed: Signed) -> None:
    archive = signed.machine.folder / "1.0-healthy.tar.gz"
    signed.assert_refused(signed.machine.upgrade(archive), "has no signature beside it")
    sign(archive, signed.key)
    assert "are replaced" in signed.machine.upgrade(archive).stdout


def test_without_ssh_keygen_it_says_which_package_has_it(signed: Signed) -> None:
    done = signed.machine.upgrade(signed.archive(), PATH=str(signed.machine.folder / "programs"))
    signed.assert_refused(done, "install the package openssh-client")


def test_a_key_is_changed_by_a_release_that_is_signed_with_the_old_one(signed: Signed) -> None:
    machine, both = signed.machine, trust(signed.key, signed.other)
    assert machine.upgrade(signed.archive("1.1", signers=both)).returncode == 0
    for version in ("1.2", "1.3"):
        done = machine.upgrade(signed.archive(version, signed.other, signers=trust(signed.other)))
        assert (done.returncode, machine.current) == (0, version), done.stderr
    assert "does not trust" in machine.upgrade(signed.archive("1.4")).stderr
    # Going back to a release brings its keys back.
    assert machine.transact("switch", "1.1").returncode == 0
    assert machine.upgrade(signed.archive("1.4")).returncode == 0


def test_an_operator_who_has_lost_the_key_installs_by_checksum_and_switches(signed: Signed) -> None:
    archive = signed.archive(key=signed.other, signers=trust(signed.other))
    assert signed.machine.release("install", archive, "--sha256", sha256(archive)).returncode == 0
    assert signed.machine.transact("switch", "1.1").returncode == 0
    assert signed.machine.is_upgraded()
    assert signed.machine.upgrade(signed.archive("1.2", signed.other)).returncode == 0
