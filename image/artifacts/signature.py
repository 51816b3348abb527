"""A detached signature by an SSH key: whoever flashes a Pi has OpenSSH already, on Linux, macOS and Windows.

To check it, with the signer's public key in a file `signers` ("soniquebay ssh-ed25519 AAAA…"):

    ssh-keygen -Y verify -f signers -I soniquebay -n file -s IMAGE.xz.sig < IMAGE.xz
"""

from __future__ import annotations

import os
from pathlib import Path

from ..paths import chown_to_invoking_user
from ..ui import Step

NAMESPACE = "file"  # ssh-keygen's own for files


def sign(path: Path, key: Path, current: Step) -> Path:
    """Write the signature of a file beside it; `key` is private, or public with the private one in an agent."""
    target = path.with_name(f"{path.name}.sig")
    target.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(path)]
    # no terminal: a key with a passphrase has to be in the agent, and says so instead of waiting
    current.run(command, env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"})
    chown_to_invoking_user(target)
    return target
