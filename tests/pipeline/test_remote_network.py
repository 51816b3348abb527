"""A worker on another machine with a slow network that drops packets and goes away, and with a lid that is closed."""

import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, children, free_port, wait_until
from tests.support.vectors import forget_vectors, vectors
from tests.support.workers import settle

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="joining network namespaces needs root"),
]
ROOT = Path(__file__).parents[2]
HERE, THERE = "192.168.7.10", "192.168.7.20"
SHAPE = "tbf rate 30mbit burst 32kb latency 50ms"
LOSS = "-m statistic --mode random --probability 0.02 -j DROP"
TRACKS = 30
BACK_SECONDS = 21.0  # a heartbeat each 15 s, and 5 s that one may take
GONE_SECONDS = 60.0  # RemoteWorkers.PRESENCE_SECONDS


def inside(pid: int, *command: str) -> list[str]:
    return ["nsenter", f"--net=/proc/{pid}/ns/net", *command]


def run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=60)


class Laptop:
    """A machine of its own: a network namespace at the end of a cable, and a worker in it."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "worker.log"
        self.machine = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        pid, appliance = self.machine.pid, stack.process.pid
        own = Path("/proc/self/ns/net").readlink()
        wait_until(lambda: Path(f"/proc/{pid}/ns/net").readlink() != own)
        run("ip", "link", "add", "here", "netns", str(appliance), "type", "veth", "peer", "there", "netns", str(pid))
        for process, device, address in ((appliance, "here", HERE), (pid, "there", THERE)):
            run(*inside(process, "ip", "address", "add", f"{address}/24", "dev", device))
            run(*inside(process, "ip", "link", "set", device, "up"))
            run(*inside(process, "tc", "qdisc", "add", "dev", device, "root", *SHAPE.split()))
            run(*inside(process, "iptables", "-A", "INPUT", "-i", device, *LOSS.split()))
        code = stack.cli("join-code", control=True).stdout.split()[2]
        command = [sys.executable, "-m", "soniquebay.cli", "worker", "--join", f"http://{HERE}:{stack.port}", "--code",
                   code, "--name", "laptop", "--folder", str(folder / "joined"), "--processes", "2"]  # fmt: skip
        with self.log.open("wb") as output:
            self.worker = subprocess.Popen(
                inside(pid, *command), cwd=ROOT, stdout=output, stderr=output,
                env={**os.environ, "SONIQUEBAY_LOG_TASKS": "on"},
            )  # fmt: skip
        wait_until(lambda: " ready." in self.log.read_text() or self.worker.poll() is not None, 90)
        assert self.worker.poll() is None, self.log.read_text()

    def set_cable(self, state: str) -> None:
        run(*inside(self.machine.pid, "ip", "link", "set", "there", state))

    @contextmanager
    def asleep(self) -> Iterator[None]:
        processes = [self.worker.pid, *children(self.worker.pid)]
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        for process in (self.worker, self.machine):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    music = tmp_path_factory.mktemp("music")
    for number in range(TRACKS):
        tone(music / f"{number}.flac", frequency=200 + 20 * number, title=f"Song {number}", artist="A", album="B")
    script = f'ip link set lo up; exec {shlex.quote(sys.executable)} "$@" --host ::'
    wrapper = tmp_path_factory.mktemp("bin") / "python"
    wrapper.write_text(f'#!/bin/sh\nexec unshare --net sh -euc {shlex.quote(script)} sh "$@"\n')
    wrapper.chmod(0o755)
    running = Stack(
        music, tmp_path_factory.mktemp("data"), wrapper, login=True, SONIQUEBAY_WORKER_PROXY_PORT=str(free_port())
    )
    running.python = sys.executable  # its commands reach it by a Unix socket
    yield running
    assert running.stop() == 0


@pytest.fixture
def laptop(stack: Stack, tmp_path: Path) -> Iterator[Laptop]:
    machine = Laptop(stack, tmp_path)
    yield machine
    machine.stop()
    stack.cli("workers", "revoke", "laptop", control=True)


def leased(stack: Stack) -> int:
    with closing(sqlite3.connect(stack.data / "library.db")) as db:
        (count,) = db.execute("SELECT count(*) FROM analysis_leases WHERE worker IS NOT NULL").fetchone()
    return int(count)


@pytest.mark.parametrize("way", ["cable", pytest.param("sleep", marks=pytest.mark.long)])
def test_nothing_is_lost_when_the_network_or_the_machine_goes(stack: Stack, laptop: Laptop, way: str) -> None:
    stack.cli("scan", "--wait-vectors", control=True)
    first = vectors(stack)
    assert len(first) == TRACKS
    with stack.frozen("worker"):
        forget_vectors(stack)
        wait_until(lambda: vectors(stack) and leased(stack), 60)  # the laptop works, and has more
        if way == "cable":
            laptop.set_cable("down")
        else:
            asleep = laptop.asleep()
            asleep.__enter__()
        assert leased(stack) > 0, "it was too fast: nothing is lost that way"
    # The appliance analyses the rest, also what the laptop had.
    wait_until(lambda: len(vectors(stack)) == TRACKS, GONE_SECONDS + 60)
    assert leased(stack) == 0
    if way == "cable":
        laptop.set_cable("up")
    else:
        asleep.__exit__(None, None, None)
    # It is back by itself, with its next heartbeat at the latest, and what it was late with is refused.
    settle(BACK_SECONDS)
    before = laptop.log.read_text().count("succeeded")
    with stack.frozen("worker"):
        forget_vectors(stack)
        wait_until(lambda: len(vectors(stack)) >= TRACKS // 2, GONE_SECONDS + 60)
    wait_until(lambda: len(vectors(stack)) == TRACKS, 60)
    assert laptop.log.read_text().count("succeeded") > before
    for track_id, vector in vectors(stack).items():
        np.testing.assert_array_equal(vector, first[track_id])
    assert laptop.worker.poll() is None
