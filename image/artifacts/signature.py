"""A detached signature by an SSH key: OpenSSH is on every machine from which somebody flashes a Pi.

To check it, with the signer's public key in a file `signers` ("soniquebay ssh-ed25519 AAAA…"):

    ssh-keygen -Y verify -f signers -I soniquebay -n file -s IMAGE.xz.sig < IMAGE.xz
"""

from __future__ import annotations

import os
from pathlib import Path

from ..paths import chown_to_invoking_user
from ..ui import Step

NAMESPACE = "file"  # ssh-keygen's own for files


def sign(path: Path, key: Path, step: Step) -> Path:
    """Write the signature of a file beside it, and return its path.

    `key` is a private key, or a public one whose private key an agent has. Raises `ActionableError` when there is none.
    """
    target = path.with_name(f"{path.name}.sig")
    target.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(path)]
    # without a terminal: a key with a passphrase that no agent has is an error, and no question
    step.run(command, env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"})
    chown_to_invoking_user(target)
    return target
