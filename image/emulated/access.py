"""How an emulated machine is reached from here: its forwarded ports, and the operator's login."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ..errors import ActionableError
from . import cloudinit

ALIAS = "soniquebay"
GUEST_PORTS = {"ssh": 22, "http": 80, "flower": 5555}

Answer = subprocess.CompletedProcess[str]


class Access:
    """The ports of one machine, and the key of its operator in the machine's folder."""

    def __init__(self, wanted: Mapping[str, int]) -> None:
        """`wanted` maps names of `GUEST_PORTS` to local ports; what is not named gets a free one."""
        self.ports: dict[str, int] = dict(wanted)
        self.user = cloudinit.USER
        self._wanted = dict(wanted)
        self._folder = Path()

    def live_in(self, folder: Path) -> None:
        """Keep key, settings and connections in the machine's folder."""
        self._folder = folder

    @property
    def config(self) -> Path:
        """An ssh_config in which the machine is the host "soniquebay"."""
        return self._folder / "ssh_config"

    def make_key(self) -> str:
        """Make a key; returns its public half."""
        key = self._folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "emulated", "-f", str(key)], check=True)
        return key.with_suffix(".pub").read_text()

    def prepare(self) -> None:
        """Choose the ports, and write down how the machine is reached by them."""
        for name, guest in GUEST_PORTS.items():
            self.ports[name] = self._free_port(name, guest)
        lines = [
            f"Host {ALIAS}",
            "HostName 127.0.0.1",
            f"Port {self.ports['ssh']}",
            f"User {self.user}",
            f"IdentityFile {self._folder / 'key'}",
            "IdentitiesOnly yes",
            "BatchMode yes",
            "ConnectTimeout 20",
            "StrictHostKeyChecking no",  # it made its key a minute ago
            f"UserKnownHostsFile {self._folder / 'known_hosts'}",
            "LogLevel ERROR",
            "ControlMaster auto",  # a new connection takes seconds there
            f"ControlPath {self._folder / 'mux'}",
            "ControlPersist 120",
        ]
        self.config.write_text("\n  ".join(lines) + "\n")

    def forwards(self) -> list[str]:
        """The ports as QEMU's user network is told of them."""
        return [f"hostfwd=tcp:127.0.0.1:{self.ports[name]}-:{guest}" for name, guest in GUEST_PORTS.items()]

    def url(self, service: str) -> str:
        """Where a service of the machine is reached from here."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def answers(self) -> bool:
        """Whether a login server speaks behind the forwarded port; QEMU itself accepts every connection."""
        try:
            with socket.create_connection(("127.0.0.1", self.ports["ssh"]), timeout=5) as connection:
                connection.settimeout(5)
                return connection.recv(4).startswith(b"SSH")
        except OSError:
            return False

    def run(self, command: str, timeout: float | None) -> Answer:
        """Run a shell command as the operator; one that takes too long ends with 124."""
        arguments = ["ssh", "-F", str(self.config), ALIAS, command]
        try:
            return subprocess.run(
                arguments, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired as late:
            return Answer(arguments, 124, _text(late.stdout), _text(late.stderr))

    def copy(self, source: Path, target: str) -> None:
        """Copy a file or folder to the machine."""
        command = ["scp", "-q", "-r", "-F", str(self.config), str(source), f"{ALIAS}:{target}"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def _free_port(self, name: str, guest: int) -> int:
        wanted = self._wanted.get(name, 0)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted or self.ports.get(name, 0)))
            except OSError as error:
                raise ActionableError(
                    f"Port {wanted} is in use; the machine's port {guest} was to be there.", "Choose another port."
                ) from error
            return int(probe.getsockname()[1])


def _text(output: bytes | str | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
