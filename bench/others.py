"""First scans by other programs: each in a fresh folder, over the same music, with the tracks it counts."""

import os
import re
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.tools import Tools
from tests.support.stack import free_port, wait_until

_SUPYSONIC_DATABASE = "supysonic.db"
Run = Callable[[Tools, Path, Path], tuple[float, int]]  # tools, music, fresh folder -> seconds, tracks


class _Mpd:
    """A running mpd and a connection to it, in its own protocol."""

    def __init__(self, tools: Tools, music: Path, folder: Path) -> None:
        config = folder / "mpd.conf"
        config.write_text(
            f'music_directory "{music}"\ndb_file "{folder}/db"\nbind_to_address "{folder}/socket"\n'
            f'log_file "{folder}/log"\nstate_file "{folder}/state"\nzeroconf_enabled "no"\nauto_update "no"\n'
            'audio_output {\n type "null"\n name "none"\n}\n'
        )
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            [tools.program("mpd"), "--no-daemon", str(config)], env=tools.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._socket = socket.socket(socket.AF_UNIX)
        wait_until(lambda: self._socket.connect_ex(f"{folder}/socket") == 0)
        self._lines = self._socket.makefile("rw", encoding="utf-8")
        assert self._lines.readline().startswith("OK MPD")

    def ask(self, command: str) -> dict[str, str]:
        self._lines.write(command + "\n")
        self._lines.flush()
        answer: dict[str, str] = {}
        while (line := self._lines.readline().rstrip("\n")) != "OK":
            assert line and not line.startswith("ACK"), f"mpd to {command!r}: {line!r}"
            name, _, value = line.partition(": ")
            answer[name] = value
        return answer

    def wait(self) -> None:
        """Return when no update runs, told by mpd itself at the moment it ends."""
        while "updating_db" in self.ask("status"):
            self.ask("idle update")

    def songs(self) -> int:
        return int(self.ask("stats")["songs"])

    def close(self) -> None:
        self._lines.close()
        self._socket.close()
        end(self._process)


@contextmanager
def _mpd(tools: Tools, music: Path, folder: Path) -> Iterator[_Mpd]:
    server = _Mpd(tools, music, folder)
    try:
        yield server
    finally:
        server.close()


def mpd_start(tools: Tools, music: Path, folder: Path) -> tuple[float, int]:
    """From the start of mpd, which without a database updates by itself, to the end of that update."""
    with _mpd(tools, music, folder) as server:
        server.wait()
        return time.monotonic() - server.began, server.songs()


def mpd_update(tools: Tools, music: Path, folder: Path) -> tuple[float, int]:
    """From the command `update` to a running mpd with an empty library to the end of that update."""
    root = folder / "root"
    root.mkdir()
    with _mpd(tools, root, folder) as server:
        server.wait()
        (root / "music").symlink_to(music)
        began = time.monotonic()
        server.ask("update")
        server.wait()
        return time.monotonic() - began, server.songs()


def minidlna(tools: Tools, music: Path, folder: Path) -> tuple[float, int]:
    """From the start of minidlnad to the line of its log that says that the scan has ended."""
    config, log = folder / "minidlna.conf", folder / "minidlna.log"
    config.write_text(
        f"media_dir=A,{music}\ndb_dir={folder}/db\nlog_dir={folder}\nport={free_port()}\ninotify=no\n"
        f"minissdpdsocket={folder}/none\nlog_level=general,scanner=info\n"
    )
    began = time.monotonic()
    process = subprocess.Popen(
        [tools.program("minidlnad"), "-S", "-R", "-f", str(config), "-P", str(folder / "pid")],
        env=tools.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(lambda: log.exists() and re.search(r"Scanning .* finished", log.read_text()), 600)
        seconds = time.monotonic() - began
        return seconds, _count(folder / "db/files.db", "SELECT count(*) FROM details WHERE mime LIKE 'audio/%'")
    finally:
        end(process)


def supysonic(tools: Tools, music: Path, folder: Path) -> tuple[float, int]:
    """`supysonic-cli folder scan` in the foreground."""
    seconds = supysonic_scan(tools, music, folder)
    return seconds, _count(folder / _SUPYSONIC_DATABASE, "SELECT count(*) FROM track")


def supysonic_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a Supysonic that has its database and settings in a folder; write these."""
    (folder / ".supysonic").write_text(
        f"[base]\ndatabase_uri = sqlite:///{folder / _SUPYSONIC_DATABASE}\n[daemon]\nsocket = {folder}/none\n"
    )
    return {**os.environ, "HOME": str(folder), "PYTHONWARNINGS": "ignore"}


def supysonic_scan(tools: Tools, music: Path, folder: Path) -> float:
    """Have Supysonic scan a folder of music; return the seconds."""
    command = [str(tools.python), "-m", "supysonic.cli", "folder"]
    environment = supysonic_environment(folder)

    def run(*arguments: str) -> None:
        subprocess.run([*command, *arguments], check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL)

    run("add", "Music", str(music))
    began = time.monotonic()
    run("scan", "--foreground", "Music")
    return time.monotonic() - began


def beets(tools: Tools, music: Path, folder: Path) -> tuple[float, int]:
    """`beet import` without looking anything up and without moving files."""
    (folder / "config.yaml").write_text(f"directory: {folder}\nlibrary: {folder}/library.db\nplugins: []\n")
    command = [str(tools.python), "-m", "beets", "import", "-A", "-C", "-q", str(music)]
    environment = {**os.environ, "BEETSDIR": str(folder)}
    began = time.monotonic()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began, _count(folder / "library.db", "SELECT count(*) FROM items")


OTHERS: dict[str, Run] = {
    "mpd, its start": mpd_start,
    "mpd, `update`": mpd_update,
    "minidlna": minidlna,
    "supysonic": supysonic,
    "beets": beets,
}


def _count(database: Path, sql: str) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return int(db.execute(sql).fetchone()[0])


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
