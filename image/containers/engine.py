"""A Docker engine for the tests in containers: the engine of this machine, or one that is started for the tests.

An engine started here has mount, process and network namespaces of its own. So it leaves no bridge, no packet-filter
rule and no process, even when it is killed. Its images stay in the cache.
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

from .. import cache, hostpackages, namespace, ui
from ..errors import ActionableError
from ..paths import cache_home

START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Engine:
    """A Docker engine and how to reach it."""

    environment: dict[str, str]
    """Variables that its clients need in their environment."""
    prefix: tuple[str, ...] = ()
    """Words in front of a command that has to reach its containers over the network."""

    def client(self) -> Any:
        """Return a `docker.DockerClient`."""
        import docker

        return docker.from_env(environment={**os.environ, **self.environment}, timeout=600)


def is_available(engine: Engine) -> bool:
    """Tell whether the engine answers."""
    import docker

    try:
        return bool(engine.client().ping())
    except docker.errors.DockerException:
        return False


@contextmanager
def running() -> Iterator[Engine]:
    """Give the engine of this machine (DOCKER_HOST if that is set), or else one that ends with this block.

    Needs root to start one. Raises `ActionableError` when that one does not start.
    """
    existing = Engine({})
    if is_available(existing):
        yield existing
        return
    if shutil.which("dockerd") is None:
        hostpackages.install(hostpackages.ENGINE_PACKAGES)
    with cache.locked("docker"), _private_engine() as engine:
        yield engine


@contextmanager
def _private_engine() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="soniquebay-docker-") as folder:
        log = cache_home() / "logs/docker.log"
        log.parent.mkdir(exist_ok=True)
        with ui.step("Docker engine"), log.open("wb") as output:
            process = subprocess.Popen(
                _command(Path(folder)), stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
            )
            engine = Engine(
                {"DOCKER_HOST": f"unix://{folder}/docker.sock"},
                ("nsenter", f"--net=/proc/{process.pid}/ns/net", "--"),
            )
            try:
                _wait_until_available(engine, process, log)
                _remove_leftovers(engine)
            except BaseException:
                _stop(process)
                raise
        try:
            yield engine
        finally:
            _stop(process)


def _command(folder: Path) -> list[str]:
    daemon = ["dockerd", f"--host=unix://{folder}/docker.sock", f"--pidfile={folder}/pid"]
    daemon += [f"--data-root={cache_home() / 'docker/data'}", f"--exec-root={folder}/exec"]
    # each test makes a network of its own, and no container connects to the outside, so no NAT is needed
    daemon += ["--bridge=none", "--iptables=false", "--ip-masq=false"]
    # the host's systemd cannot resolve the process ids of this namespace
    daemon += ["--exec-opt=native.cgroupdriver=cgroupfs"]
    prepare = ["ip link set lo up", "mkdir -p /run/containerd", "mount -t tmpfs -o mode=711 tmpfs /run/containerd"]
    return ["unshare", "--net", "--", *namespace.isolated(prepare, daemon)]


def _wait_until_available(engine: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not is_available(engine):
        if process.poll() is not None or time.monotonic() > deadline:
            last_lines = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
            raise ActionableError(
                f"No Docker engine answers, and the one of Debian's docker.io does not start:\n{last_lines}",
                f"Full log: {log}. Or start an engine of your own first.",
            )
        time.sleep(0.2)


def _remove_leftovers(engine: Engine) -> None:
    """Remove containers, volumes and networks that a killed run has left in our engine."""
    client = engine.client()
    for container in client.containers.list(all=True):
        container.remove(force=True)
    for volume in client.volumes.list():
        volume.remove(force=True)
    client.networks.prune()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the engine in its process namespace; after `STOP_TIMEOUT_SECONDS` kill all processes of the namespace."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(pid), signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
