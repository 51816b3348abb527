"""Redis starts whatever has become of its append-only files; a real Redis has written them, and reads them again."""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from soniquebay import redis_files
from tests.support.small_disk import full_disk, small_disk
from tests.support.stack import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the folders that are used here")
MESSAGES = 400
FILE = "appendonlydir/appendonly.aof.1.incr.aof"
BASE = "appendonlydir/appendonly.aof.1.base.rdb"


@contextmanager
def redis_server(data: Path, sockets: Path) -> Iterator[redis.Redis]:
    """Run Redis on a folder, as the appliance does. Raises ``ChildProcessError`` when it ends before it is ready."""
    address = sockets / "redis.sock"
    process = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", str(address), "--dir", str(data), "--appendonly", "yes",
         "--save", "", "--appendfsync", "always"], stdout=subprocess.DEVNULL,
    )  # fmt: skip
    client = redis.Redis(unix_socket_path=str(address))

    def answers() -> bool:
        if process.poll() is not None:
            raise ChildProcessError
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False

    try:
        wait_until(answers)
        yield client
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that a Redis has left that was killed."""
    folder = tmp_path_factory.mktemp("written")
    with redis_server(folder, tmp_path_factory.mktemp("s")) as client:
        for number in range(MESSAGES):
            client.lpush("queue", f"message {number} " + "x" * 100)
    return folder


@pytest.fixture
def data(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "redis"))


@pytest.fixture
def notices(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def messages(data: Path, notices: Path) -> int:
    with redis_server(data, notices) as client:
        return int(client.llen("queue"))


def test_whole_files_stay(data: Path, notices: Path) -> None:
    assert redis_files.prepare(data, notices) is None
    assert (messages(data, notices), redis_files.read_notices(notices)) == (MESSAGES, [])


def test_a_torn_end_is_left_to_redis_wherever_it_is_torn(written: Path, data: Path, notices: Path) -> None:
    size = (written / FILE).stat().st_size
    for lost in range(1, 175, 6):  # a command has some 155 bytes
        shutil.copy(written / FILE, data / FILE)
        os.truncate(data / FILE, size - lost)
        assert redis_files.prepare(data, notices) is None, lost
        redis_files.ready(notices)
    assert messages(data, notices) == MESSAGES - 2


DAMAGES: dict[str, Callable[[Path], object]] = {
    "64 bytes in the middle": lambda data: overwrite(data / FILE, 20_000, bytes(64)),
    "64 other bytes": lambda data: overwrite(data / FILE, 30_000, b"*9\r\n" * 16),
    "the first file": lambda data: overwrite(data / BASE, 20, bytes(16)),
    "an end of the first file": lambda data: os.truncate(data / BASE, 50),
    "the first file is gone": lambda data: (data / BASE).unlink(),
    "the list of files": lambda data: (data / "appendonlydir/appendonly.aof.manifest").write_bytes(bytes(64)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_set_aside(damage: str, data: Path, notices: Path) -> None:
    DAMAGES[damage](data)
    with pytest.raises(ChildProcessError):
        messages(data, notices)
    sentence = redis_files.prepare(data, notices)
    assert sentence is not None
    assert f"kept in {data}/appendonlydir.damaged-1." in sentence
    assert messages(data, notices) == 0
    redis_files.ready(notices)
    assert redis_files.prepare(data, notices) is None
    # whoever logs in may read it, whatever the umask is
    assert redis_files.read_notices(notices) == [sentence]
    assert stat.S_IMODE((notices / redis_files.SET_ASIDE_NOTICE).stat().st_mode) == 0o644


def test_only_the_newest_is_kept(written: Path, data: Path, notices: Path) -> None:
    for _ in range(3):
        shutil.rmtree(data / "appendonlydir", ignore_errors=True)
        shutil.copytree(written / "appendonlydir", data / "appendonlydir")
        overwrite(data / FILE, 20_000, bytes(64))
        assert redis_files.prepare(data, notices)
    assert [path.name for path in data.iterdir()] == ["appendonlydir.damaged-3"]


def test_large_files_are_not_kept(data: Path, notices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_files, "MAX_KEPT_BYTES", 1000)
    overwrite(data / FILE, 20_000, bytes(64))
    assert "too large to be kept" in (redis_files.prepare(data, notices) or "")
    assert list(data.iterdir()) == []


def test_files_with_which_redis_ends_again_and_again_are_set_aside(data: Path, notices: Path) -> None:
    """Redis does not know a command in them, and `redis-check-aof` does not look for that."""
    content = (data / FILE).read_bytes()
    at = content.index(b"LPUSH", 20_000)
    overwrite(data / FILE, at, b"?????")
    for _ in range(redis_files.MAX_DEAD_STARTS):
        assert redis_files.prepare(data, notices) is None
        with pytest.raises(ChildProcessError):
            messages(data, notices)
    sentence = redis_files.prepare(data, notices) or ""
    assert "Redis ended 2 times while it read them" in sentence
    assert messages(data, notices) == 0


def test_starts_that_succeed_are_not_counted(data: Path, notices: Path) -> None:
    for _ in range(5):
        assert redis_files.prepare(data, notices) is None
        redis_files.ready(notices)
    assert (data / FILE).exists()


@needs_root
def test_a_folder_that_cannot_be_written_is_told(data: Path, notices: Path) -> None:
    overwrite(data / FILE, 20_000, bytes(64))
    subprocess.run(["mount", "--bind", data, data], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", data], check=True)
        sentence = redis_files.prepare(data, notices) or ""
    finally:
        subprocess.run(["umount", data], check=True)
    assert "Read-only file system" in sentence
    assert redis_files.read_notices(notices) == [sentence]
    # once it can be written, the trouble is no longer told
    assert "damaged-1" in (redis_files.prepare(data, notices) or "")
    assert len(redis_files.read_notices(notices)) == 1


@needs_root
def test_a_full_disk_is_told_until_redis_is_ready(notices: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as data:
        with full_disk(data):
            sentence = redis_files.prepare(data, notices) or ""
            with pytest.raises(ChildProcessError):
                messages(data, notices)
        assert "is full, so Redis cannot start" in sentence
        assert redis_files.read_notices(notices) == [sentence]
        redis_files.ready(notices)
        assert redis_files.read_notices(notices) == []


def test_a_redis_elsewhere_has_no_notices() -> None:
    assert redis_files.notices_folder("redis://host:1/0") is None
    assert redis_files.notices_folder("unix:///run/redis/redis.sock") == Path("/run/redis")
