"""The action plugin resumable_copy: over a real SSH connection that is cut, and over Ansible's other connections."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.small_disk import needs_root, small_disk
from tests.support.ssh_server import SshServer, ssh_server
from tests.support.stack import wait_until

from .playbook import LocalMachine

# each test starts Ansible some times
pytestmark = pytest.mark.slow

PIECE_BYTES = 4 * 1024 * 1024
OVERHEAD_BYTES = 500_000  # of SSH and the commands
LOCAL = {"ansible_connection": "local"}
TASKS = [
    {"resumable_copy": {"src": "{{ source }}", "dest": "{{ dest }}"}, "register": "copied"},
    {"ansible.builtin.debug": {"msg": "{{ inventory_hostname }} has sent {{ copied.sent_bytes }}"}},
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the target that any user of this machine can reach."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made) / "in coming"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with ssh_server(tmp_path / "ssh") as running:
        yield running


def make_file(folder: Path, size: int, name: str = "an archive's name.tar.gz") -> Path:
    path = folder / name
    path.write_bytes(os.urandom(size))
    return path


def copy(
    tmp_path: Path, source: Path, dest: Path | str, *options: str, **hosts: dict[str, Any]
) -> subprocess.CompletedProcess[str]:
    """Run the play on hosts with these variables."""
    play = Path(tempfile.mkdtemp(dir=tmp_path))
    machine = LocalMachine(play, inventory={"all": {"hosts": hosts}})
    return machine.try_play({"hosts": "all", "tasks": TASKS}, options=list(options), source=str(source), dest=str(dest))


def sent_bytes(done: subprocess.CompletedProcess[str]) -> int:
    """Return what a run says to have sent, on all its hosts; it has to have succeeded."""
    assert done.returncode == 0, done.stdout + done.stderr
    return sum(int(number) for number in re.findall(r"has sent (\d+)", done.stdout))


def pieces_of(dest: Path, source: Path) -> Path:
    return dest.with_name(f"{dest.name}.pieces-{hashlib.sha256(source.read_bytes()).hexdigest()}")


def copy_until_cut(server: SshServer, tmp_path: Path, source: Path, dest: Path, **more: Any) -> list[Path]:
    """Cut the connection in the middle of the fifth piece, and return the pieces that are there then."""
    server.forwarder.cut_after_bytes = 4 * PIECE_BYTES + PIECE_BYTES // 2
    done = copy(tmp_path, source, dest, pi={**server.variables, **more})
    assert done.returncode != 0
    assert "UNREACHABLE" in done.stdout, done.stdout + done.stderr
    assert not dest.exists()
    folder = pieces_of(dest, source)
    wait_until(lambda: not list(folder.glob("new-*")))  # what the connection was cut for
    server.forwarder.mend()
    return sorted(folder.iterdir())


def test_only_missing_pieces_are_sent_after_a_cut_connection(server: SshServer, tmp_path: Path, folder: Path) -> None:
    source = make_file(tmp_path, 9 * PIECE_BYTES + 1000)
    dest = folder / source.name
    pieces = copy_until_cut(server, tmp_path, source, dest)
    assert [path.name for path in pieces] == ["00000", "00001", "00002", "00003"]
    times = [path.stat().st_mtime_ns for path in pieces]
    kept = [os.open(path, os.O_RDONLY) for path in pieces]

    done = copy(tmp_path, source, dest, pi=server.variables)
    missing = source.stat().st_size - 4 * PIECE_BYTES
    assert sent_bytes(done) == missing
    assert missing < server.forwarder.sent_bytes < missing + OVERHEAD_BYTES
    assert "pi: 16 of 37 MB are there from an earlier run" in done.stdout
    assert "pi: 37 of 37 MB are there" in done.stdout
    assert dest.read_bytes() == source.read_bytes()
    assert dest.stat().st_mode & 0o777 == 0o600
    assert list(pieces_of(dest, source).iterdir()) == []
    # Nobody has written to the pieces that were there.
    assert [os.fstat(descriptor).st_mtime_ns for descriptor in kept] == times
    for descriptor in kept:
        os.close(descriptor)

    server.forwarder.mend()
    assert sent_bytes(copy(tmp_path, source, dest, pi=server.variables)) == 0
    assert server.forwarder.sent_bytes < OVERHEAD_BYTES


@pytest.mark.long
def test_damaged_pieces_are_sent_again_by_another_user(server: SshServer, tmp_path: Path, folder: Path) -> None:
    become: dict[str, Any] = {}
    user = pwd.getpwuid(os.geteuid())
    if user.pw_uid == 0:  # only root becomes another user without a password
        become = {
            "ansible_become": True, "ansible_become_method": "su", "ansible_become_user": "nobody",
            "ansible_become_flags": "-s /bin/sh",
        }  # fmt: skip
        user = pwd.getpwnam("nobody")
        os.chown(folder.parent, user.pw_uid, user.pw_gid)
    source = make_file(tmp_path, 6 * PIECE_BYTES)
    dest = folder / source.name
    pieces = copy_until_cut(server, tmp_path, source, dest, **become)
    assert {path.stat().st_uid for path in pieces} == {user.pw_uid}
    os.truncate(pieces[0], 1000)
    os.truncate(pieces[1], 0)
    content = bytearray(pieces[2].read_bytes())
    content[77] ^= 1
    pieces[2].write_bytes(content)
    # of a run of long ago, and of one that may still write
    old, young = pieces[0].with_name("new-00005-aaaaaa"), pieces[0].with_name("new-00005-bbbbbb")
    for path in (old, young):
        path.write_bytes(b"piece")
    os.utime(old, times=(time.time() - 7200, time.time() - 7200))

    assert sent_bytes(copy(tmp_path, source, dest, pi={**server.variables, **become})) == 5 * PIECE_BYTES
    assert server.forwarder.sent_bytes > 5 * PIECE_BYTES
    assert dest.read_bytes() == source.read_bytes()
    assert dest.stat().st_uid == user.pw_uid
    assert list(pieces_of(dest, source).iterdir()) == [young]


@pytest.mark.long
def test_another_archive_takes_the_place_of_what_is_there_of_the_first(
    server: SshServer, tmp_path: Path, folder: Path
) -> None:
    source = make_file(tmp_path, 6 * PIECE_BYTES)
    dest = folder / source.name
    first = copy_until_cut(server, tmp_path, source, dest)
    other = make_file(tmp_path, PIECE_BYTES + 1)  # another build, of the same name
    assert sent_bytes(copy(tmp_path, other, dest, pi=server.variables)) == PIECE_BYTES + 1
    assert dest.read_bytes() == other.read_bytes()
    assert not first[0].parent.exists()

    for beside in (".other.sig", "other.sig", "notes.pieces-file"):
        (folder / beside).write_text("not the plugin's")
    third = make_file(tmp_path, 1000, "third")
    assert sent_bytes(copy(tmp_path, third, folder / "other", pi=LOCAL)) == 1000
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [".other.sig", "notes.pieces-file", "other", "other.sig", pieces_of(folder / "other", third).name]
    )


@pytest.mark.parametrize(
    ("host", "variables"),
    [
        pytest.param("pi", LOCAL, id="local"),
        pytest.param("/", {"ansible_connection": "community.general.chroot"}, id="chroot", marks=needs_root),
    ],
)
def test_check_mode_touches_nothing_and_a_second_run_sends_nothing(
    tmp_path: Path, folder: Path, host: str, variables: dict[str, Any]
) -> None:
    source = make_file(tmp_path, PIECE_BYTES + 5)
    dest = folder / source.name

    def listing() -> list[tuple[Path, int]]:
        return [(path, path.stat().st_mtime_ns) for path in sorted(folder.parent.rglob("*"))]

    done = copy(tmp_path, source, dest, "--check", **{host: variables})
    assert (sent_bytes(done), listing()) == (0, [])
    assert "changed=1 " in done.stdout
    stale = folder / f"old.pieces-{'0' * 64}"
    stale.mkdir(parents=True)
    for path in (stale / "00000", folder / "old"):
        path.write_bytes(b"old")
    before = listing()
    assert sent_bytes(copy(tmp_path, source, dest, "--check", **{host: variables})) == 0
    assert listing() == before

    assert sent_bytes(copy(tmp_path, source, dest, **{host: variables})) == PIECE_BYTES + 5
    assert dest.read_bytes() == source.read_bytes()
    assert sorted(folder.iterdir()) == [dest, pieces_of(dest, source)]
    after = listing()
    done = copy(tmp_path, source, dest, "--check", **{host: variables})
    assert "changed=0 " in done.stdout
    assert sent_bytes(copy(tmp_path, source, dest, **{host: variables})) == 0
    assert listing() == after


def test_runs_at_the_same_time(tmp_path: Path, folder: Path) -> None:
    source = make_file(tmp_path, 3 * PIECE_BYTES)
    alone, shared = folder / "alone/name", folder / "shared/name"
    hosts = {name: {**LOCAL, "place": str(shared)} for name in ("a", "b", "c")}
    done = copy(tmp_path, source, "{{ place }}", "--forks=4", alone={**LOCAL, "place": str(alone)}, **hosts)
    assert done.returncode == 0, done.stdout + done.stderr
    for dest in (alone, shared):
        assert dest.read_bytes() == source.read_bytes()
        assert sorted(dest.parent.iterdir()) == [dest, pieces_of(dest, source)]
        assert list(pieces_of(dest, source).iterdir()) == []


def test_a_run_waits_while_another_one_joins_the_same_pieces(tmp_path: Path, folder: Path) -> None:
    source = make_file(tmp_path, 2 * PIECE_BYTES)
    dest = folder / source.name
    pieces = pieces_of(dest, source)
    pieces.mkdir(parents=True)
    lock = os.open(pieces, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(copy, tmp_path, source, dest, pi=LOCAL)
        wait_until(lambda: sorted(path.name for path in pieces.iterdir()) == ["00000", "00001"])
        time.sleep(0.5)
        assert not dest.exists()
        shutil.copy(source, dest)
        for piece in pieces.iterdir():
            piece.unlink()
        os.close(lock)
        assert sent_bytes(run.result()) == 2 * PIECE_BYTES
    assert dest.read_bytes() == source.read_bytes()


@needs_root
def test_a_disk_without_room_is_told_before_anything_is_sent(tmp_path: Path, folder: Path) -> None:
    with small_disk(folder, mib=24):
        large = make_file(tmp_path, 13 * 1024 * 1024)
        done = copy(tmp_path, large, folder / "large", pi=LOCAL)
        assert done.returncode != 0
        printed = " ".join(done.stdout.split())
        assert f"the copy needs 28 MB on the disk of {folder}, and 25 MB are free: make room there" in printed
        assert list(pieces_of(folder / "large", large).iterdir()) == []
        fitting = make_file(tmp_path, 11 * 1024 * 1024)
        assert sent_bytes(copy(tmp_path, fitting, folder / "fitting", pi=LOCAL)) == 11 * 1024 * 1024


def test_what_cannot_be_copied_is_told(tmp_path: Path, folder: Path) -> None:
    source = make_file(tmp_path, 1000)
    for dest, sentence in (
        ("relative/name", "dest has to be the absolute path of a file"),
        (f"{source}/name", "failed: "),  # a folder cannot be made in a file
    ):
        done = copy(tmp_path, source, dest, pi=LOCAL)
        assert done.returncode != 0
        assert sentence in " ".join(done.stdout.split()), done.stdout + done.stderr
