"""A detached signature by an SSH key: OpenSSH is on every machine from which somebody flashes a Pi.

To check that of an image, with the signer's public key in a file `signers` ("soniquebay ssh-ed25519 AAAA…"):

    ssh-keygen -Y verify -f signers -I soniquebay -n file -s IMAGE.xz.sig < IMAGE.xz
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from .errors import ActionableError
from .paths import chown_to_invoking_user
from .ui import Step

FILES = "file"  # ssh-keygen's own namespace for files; that of images
# as a file .pub has it: type, key, comment; no certificates, which a signature does not name
_PUBLIC = re.compile(
    r"((?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)"
    r" [A-Za-z0-9+/]+=*)(?:\s.*)?"
)


def sign(path: Path, key: Path, step: Step, namespace: str = FILES) -> Path:
    """Write the signature of a file beside it, and return its path.

    `key` is a private key, or a public one whose private key an agent has. Raises `ActionableError` when there is none.
    """
    target = path.with_name(f"{path.name}.sig")
    target.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace, str(path)]
    # without a terminal: a key with a passphrase that no agent has is an error, and no question
    step.run(command, env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"})
    chown_to_invoking_user(target)
    return target


def require_key(key: Path) -> Path:
    """Return `key`. Raises `ActionableError` unless it is a file."""
    if not key.is_file():
        raise ActionableError(f"There is no key {key}.", "SIGN_KEY names a file that ssh-keygen made.")
    return key


def public_half(key: Path) -> str:
    """Return type and key of a public key, or of the public half of a private one, without its comment.

    Raises `ActionableError` when the public half of a private key is not beside it, and a passphrase hides it.
    """
    for path in (key, key.with_name(f"{key.name}.pub")):
        if path.is_file() and (public := parse_public(path.read_text(errors="replace"))):
            return public
    command = ["ssh-keygen", "-y", "-P", "", "-f", str(key)]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    if public := parse_public(printed):
        return public
    raise ActionableError(f"The public half of {key} is not known.", f"Put it into {key}.pub, beside the key.")


def parse_public(line: str) -> str | None:
    """Return type and key of a line as a file .pub has it; None if it is no public key."""
    match = _PUBLIC.fullmatch(line.strip())
    if match is None:
        return None
    asked = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=match[1], capture_output=True, text=True, check=False)
    return match[1] if asked.returncode == 0 else None
