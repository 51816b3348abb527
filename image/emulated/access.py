"""Access to an emulated machine: its forwarded ports and the operator's SSH login."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from ..errors import ActionableError
from . import cloudinit

ALIAS = "soniquebay"
TIMEOUT_STATUS = 124  # exit status of timeout(1)
CONTROL_SOCKET = "/run/soniquebay/control.sock"
TUNNEL_TIMEOUT_SECONDS = 300.0
GUEST_PORTS = {"ssh": 22, "http": 80, "flower": 5555}

CommandResult = subprocess.CompletedProcess[str]


class Access:
    """The forwarded ports of one machine, and the SSH key of its operator."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        """`ports` maps names of `GUEST_PORTS` to local ports; a service that is not named gets a free port."""
        self.ports: dict[str, int] = dict(ports)
        self.user = cloudinit.USER
        self._requested_ports = dict(ports)
        self._folder = Path()
        self._tunnel: subprocess.Popen[bytes] | None = None

    def use_folder(self, folder: Path) -> None:
        """Keep the key, the ssh_config and SSH's control socket in `folder`."""
        self._folder = folder

    @property
    def config(self) -> Path:
        """Return the path of an ssh_config in which the machine is the host "soniquebay"."""
        return self._folder / "ssh_config"

    def make_key(self) -> str:
        """Make an SSH key and return its public half."""
        key = self._folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "emulated", "-f", str(key)], check=True)
        return key.with_suffix(".pub").read_text()

    def prepare(self) -> None:
        """Choose the local ports and write the ssh_config.

        Raises `ActionableError` when a requested port is in use.
        """
        with ExitStack() as probes:  # all are held until the last is chosen: else one port could be chosen twice
            for name, guest_port in GUEST_PORTS.items():
                self.ports[name] = self._free_port(name, guest_port, probes.enter_context(socket.socket()))
        lines = [
            f"Host {ALIAS}",
            "HostName 127.0.0.1",
            f"Port {self.ports['ssh']}",
            f"User {self.user}",
            f"IdentityFile {self._folder / 'key'}",
            "IdentitiesOnly yes",
            "BatchMode yes",
            "ConnectTimeout 20",
            "StrictHostKeyChecking no",  # the machine made its key a minute ago
            f"UserKnownHostsFile {self._folder / 'known_hosts'}",
            "LogLevel ERROR",
            "ControlMaster auto",  # each new connection takes the machine seconds
            f"ControlPath {self._folder / 'mux'}",
            "ControlPersist 120",
        ]
        self.config.write_text("\n  ".join(lines) + "\n")

    def port_forwards(self) -> list[str]:
        """Return the port forwards as options of QEMU's user network."""
        return [f"hostfwd=tcp:127.0.0.1:{self.ports[name]}-:{guest_port}" for name, guest_port in GUEST_PORTS.items()]

    def url(self, service: str) -> str:
        """Return the local URL of a service of the machine."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def control_url(self) -> str:
        """Return the local URL of the API's socket for administrators, which SSH forwards as the operator.

        Raises `ActionableError` when SSH does not forward it.
        """
        local = self._folder / "control.sock"
        if self._tunnel is None or self._tunnel.poll() is not None:
            local.unlink(missing_ok=True)
            options = ("ControlMaster=no", "ControlPath=none", "ExitOnForwardFailure=yes", "ServerAliveInterval=20")
            command = ["ssh", "-F", str(self.config), "-N", *(word for option in options for word in ("-o", option))]
            command += ["-L", f"{local}:{CONTROL_SOCKET}", ALIAS]
            self._tunnel = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + TUNNEL_TIMEOUT_SECONDS
            while not local.exists():
                if self._tunnel.poll() is not None or time.monotonic() > deadline:
                    self.close_tunnel()
                    raise ActionableError(f"SSH does not forward {CONTROL_SOCKET} of the machine.")
                time.sleep(0.1)
        return f"unix://{local}"

    def close_tunnel(self) -> None:
        """End the forwarding of `control_url`."""
        if self._tunnel is not None:
            self._tunnel.kill()
            self._tunnel.wait()
            self._tunnel = None

    def ssh_answers(self) -> bool:
        """Tell whether an SSH server sends its banner on the forwarded port; QEMU itself accepts every connection."""
        try:
            with socket.create_connection(("127.0.0.1", self.ports["ssh"]), timeout=5) as connection:
                connection.settimeout(5)
                return connection.recv(4).startswith(b"SSH")
        except OSError:
            return False

    def run(self, command: str, timeout_seconds: float | None) -> CommandResult:
        """Run a shell command as the operator; return exit status 124 when it takes longer than `timeout_seconds`."""
        arguments = ["ssh", "-F", str(self.config), ALIAS, command]
        try:
            return subprocess.run(
                arguments,
                capture_output=True,
                text=True,
                timeout=timeout_seconds,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as error:
            return CommandResult(arguments, TIMEOUT_STATUS, _decode(error.stdout), _decode(error.stderr))

    def copy(self, source: Path, target: str) -> None:
        """Copy a file or folder to the machine."""
        command = ["scp", "-q", "-r", "-F", str(self.config), str(source), f"{ALIAS}:{target}"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def _free_port(self, name: str, guest_port: int, probe: socket.socket) -> int:
        requested = self._requested_ports.get(name, 0)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", requested or self.ports.get(name, 0)))
            probe.listen()  # SO_REUSEADDR keeps a port only from sockets that listen
        except OSError as error:
            raise ActionableError(
                f"Port {requested} is in use; port {guest_port} of the machine cannot be forwarded to it.",
                "Choose another port.",
            ) from error
        return int(probe.getsockname()[1])


def _decode(output: bytes | str | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
