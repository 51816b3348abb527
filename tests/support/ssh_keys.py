"""SSH keys of a test, and what they sign."""

from __future__ import annotations

import subprocess
from pathlib import Path

NAMESPACE = "soniquebay-release"


def make_key(path: Path) -> Path:
    """Make a key without a passphrase, with its public half beside it, and return its path."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "of a test", "-f", str(path)], check=True)
    return path


def public_half(key: Path) -> str:
    """Return type and key, without the comment."""
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def trust(*keys: Path) -> str:
    """Return the content of a release's file SIGNERS that has these keys."""
    return "".join(f'soniquebay namespaces="{NAMESPACE}" {public_half(key)}\n' for key in keys)


def sign(file: Path, key: Path, namespace: str = NAMESPACE) -> Path:
    """Write the signature of a file beside it, and return its path."""
    signature = file.with_name(f"{file.name}.sig")
    signature.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace, str(file)]
    subprocess.run(command, check=True, capture_output=True)
    return signature
