"""A real SSH server on a free port of the loopback address, behind a forwarder whose connections a test can cut."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support import debian_package
from tests.support.stack import free_port, wait_until

CONFIGURATION = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
"""
# Where root starts it, sshd wants a user and a folder that only its package makes: they are there for it alone.
AS_ROOT = """
mount --bind {folder}/passwd /etc/passwd
mount -t tmpfs tmpfs /run
mkdir /run/sshd
exec "$@"
"""
USER = "sshd:x:65500:65534::/run/sshd:/usr/sbin/nologin\n"


class Forwarder:
    """Forwards TCP connections to a port of this machine, and counts the bytes that clients send."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.sent_bytes = 0
        self.cut_after_bytes: int | None = None
        self.refuses = False
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections, and each later one, until `mend`."""
        self.refuses = True
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def mend(self) -> None:
        """Forward again, and count from zero."""
        self.sent_bytes, self.cut_after_bytes, self.refuses = 0, None, False

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                if self.refuses:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.target))
                self._sockets += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=(source, sink, source is client), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while content := source.recv(1 << 16):
                if counted:
                    self.sent_bytes += len(content)
                    if self.cut_after_bytes is not None and self.sent_bytes > self.cut_after_bytes:
                        self.cut()
                        return
                sink.sendall(content)
            sink.shutdown(socket.SHUT_WR)


class SshServer:
    """How a playbook reaches the server (`variables`), and the forwarder that it goes through."""

    def __init__(self, folder: Path, forwarder: Forwarder) -> None:
        self.forwarder = forwarder
        self.variables: dict[str, Any] = {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": forwarder.port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(folder / "user_key"),
            "ansible_ssh_common_args": "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
            "-o IdentitiesOnly=yes",
        }


@contextmanager
def ssh_server(folder: Path, path: str = "") -> Iterator[SshServer]:
    """Run an SSH server, whose keys are made in `folder`, until the end of the block; `path`: the PATH of sessions."""
    folder.mkdir()
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_port()
    configuration = folder / "sshd_config"
    configuration.write_text(CONFIGURATION.format(port=port, folder=folder) + (path and f'SetEnv "PATH={path}"\n'))
    command, environment = _program(configuration)
    if os.geteuid() == 0:
        users = Path("/etc/passwd").read_text()
        (folder / "passwd").write_text(users if "\nsshd:" in users else users + USER)
        command = ["unshare", "--mount", "/bin/sh", "-ec", AS_ROOT.format(folder=folder), "sshd", *command]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "-D", "-e", "-f", str(configuration)], env=environment, stdout=output, stderr=output
        )
    forwarder = Forwarder(port)

    def is_up() -> bool:
        assert process.poll() is None, log.read_text()
        return "Server listening" in log.read_text()

    try:
        wait_until(is_up)
        yield SshServer(folder, forwarder)
    finally:
        forwarder.close()
        process.terminate()
        process.wait(20)


def _program(configuration: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command of the installed sshd, else of the one of Debian's package, only unpacked."""
    if installed := shutil.which("sshd", path="/usr/sbin:/usr/local/sbin"):
        return [installed], dict(os.environ)
    unpacked = debian_package.program("openssh-server", "usr/sbin/sshd")
    wrap = next(debian_package.program("libwrap0", ".").rglob("libwrap.so.0"))
    # OpenSSH 9.8 and later has more programs, which it looks for where they are installed.
    helpers = unpacked.parents[1] / "lib/openssh"
    with configuration.open("a") as file:
        for keyword, name in (("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth")):
            if (helpers / name).exists():
                file.write(f"{keyword} {helpers / name}\n")
    return [str(unpacked)], {**os.environ, "LD_LIBRARY_PATH": str(wrap.parent)}
