"""A Docker engine for the tests in containers: this machine's own, or else Debian's for as long as it is needed.

The one started here has name spaces of its own (mounts, processes, network): no bridge, no rule of the packet filter
and no process of it is left when it ends, however it ends. Its images stay in the cache.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import cache, hostpackages, namespace
from ..errors import ActionableError
from ..paths import cache_home
from ..ui import step

STARTS_WITHIN = 60.0  # seconds
ENDS_WITHIN = 30.0


@dataclass(frozen=True)
class Engine:
    """An engine that answers."""

    environment: dict[str, str]
    """What its clients need in theirs."""
    prefix: tuple[str, ...] = ()
    """In front of a command that shall reach its containers by the network."""

    def client(self) -> Any:
        """A `docker.DockerClient`."""
        import docker

        return docker.from_env(environment={**os.environ, **self.environment}, timeout=600)


def answers(engine: Engine) -> bool:
    """Whether there is an engine that answers."""
    import docker

    try:
        return bool(engine.client().ping())
    except docker.errors.DockerException:
        return False


@contextmanager
def running() -> Iterator[Engine]:
    """The machine's engine (by DOCKER_HOST, if that is set), or one that ends with this block. Needs root for that."""
    own = Engine({})
    if not answers(own):
        if shutil.which("dockerd") is None:
            hostpackages.install(hostpackages.ENGINE)
        with cache.locked("docker"), _started() as started:
            yield started
    else:
        yield own


@contextmanager
def _started() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="soniquebay-docker-") as folder:
        log = cache_home() / "logs/docker.log"
        log.parent.mkdir(exist_ok=True)
        with step("Docker engine"), log.open("wb") as output:
            process = subprocess.Popen(
                _command(Path(folder)), stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
            )
            engine = Engine(
                {"DOCKER_HOST": f"unix://{folder}/docker.sock"},
                ("nsenter", f"--net=/proc/{process.pid}/ns/net", "--"),
            )
            try:
                _wait(engine, process, log)
                _clear(engine)
            except BaseException:
                _end(process)
                raise
        try:
            yield engine
        finally:
            _end(process)


def _command(folder: Path) -> list[str]:
    daemon = ["dockerd", f"--host=unix://{folder}/docker.sock", f"--pidfile={folder}/pid"]
    daemon += [f"--data-root={cache_home() / 'docker/data'}", f"--exec-root={folder}/exec"]
    # each test makes a network of its own; nothing in them looks outside, so there is nothing to translate
    daemon += ["--bridge=none", "--iptables=false", "--ip-masq=false"]
    # systemd, where there is one, knows nothing of process numbers in here
    daemon += ["--exec-opt=native.cgroupdriver=cgroupfs"]
    prepare = ["ip link set lo up", "mkdir -p /run/containerd", "mount -t tmpfs -o mode=711 tmpfs /run/containerd"]
    return ["unshare", "--net", "--", *namespace.isolated(prepare, daemon)]


def _wait(engine: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not answers(engine):
        if process.poll() is not None or time.monotonic() > deadline:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
            raise ActionableError(
                f"No Docker engine answers, and Debian's does not start:\n{last}",
                f"All of it: {log}. With an engine of your own, started before, this one is not needed.",
            )
        time.sleep(0.2)


def _clear(engine: Engine) -> None:
    """Remove what a run that was killed has left: all of it is ours, images aside."""
    client = engine.client()
    for container in client.containers.list(all=True):
        container.remove(force=True)
    for volume in client.volumes.list():
        volume.remove(force=True)
    client.networks.prune()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the engine within its name space; what is slow to end is killed with the name space."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(pid), signal.SIGTERM)
    try:
        process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
