"""The signature of a release archive, checked with the keys that the current release trusts.

A release has these keys in a file of its own, in the format of ssh-keygen's allowed signers. So a release that is
signed with an old key can bring a new one, and going back to a release brings its keys back.
"""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import click

FILE_NAME = "SIGNERS"  # in a release
SUFFIX = ".sig"
NAMESPACE = "soniquebay-release"  # a signature of an image, or of any other file, is none of a release
PRINCIPAL = "soniquebay"
_FINGERPRINT = re.compile(r"SHA256:\S+")


def check(archive: Path, release: Path, tell: Callable[[str], None], *, is_required: bool = False) -> None:
    """Check that the signature beside an archive is by a key that an unpacked release trusts.

    A release that trusts no keys has nothing to check with, and `tell` says so, unless a signature `is_required`.
    Raises ``click.ClickException`` with what to do.
    """
    signers, signature = release / FILE_NAME, archive.with_name(archive.name + SUFFIX)
    name = release.resolve().name
    if not has_keys(release):
        if is_required:
            raise click.ClickException(
                f"release {name} has no keys, so the signature cannot be checked: upgrade once from another "
                "machine, to a release that has keys"
            )
        tell(f"the signature is not checked: release {name} has no keys to check it with")
        return
    if not signature.is_file():
        raise click.ClickException(
            f"{archive} has no signature beside it, and release {name} wants one: put {signature.name} there too"
        )
    if key := _key_of(archive, signature, "verify", "-f", str(signers), "-I", PRINCIPAL):
        tell(f"the archive is signed with the key {key}, which release {name} trusts")
    elif key := _key_of(archive, signature, "check-novalidate"):
        raise click.ClickException(
            f"{archive} is signed with the key {key}, which release {name} does not trust: sign it with a key that is "
            f"in {signers}. docs/upgrading.md says what to do when there is none any more"
        )
    else:
        raise click.ClickException(
            f"{signature} is not the signature of this archive as a release: build the release again, or copy both "
            "files again"
        )


def has_keys(release: Path) -> bool:
    """Tell whether an unpacked release has keys to check signatures with."""
    # A damaged file counts as one with keys: it must not switch the check off.
    try:
        lines = (release / FILE_NAME).read_bytes().splitlines()
    except FileNotFoundError:
        return False
    return any(line.strip() and not line.startswith(b"#") for line in lines)


def _key_of(archive: Path, signature: Path, command: str, *options: str) -> str | None:
    """Return the fingerprint of the key that has signed an archive; None if ssh-keygen refuses the signature."""
    arguments = ["ssh-keygen", "-Y", command, "-n", NAMESPACE, "-s", str(signature), *options]
    try:
        with archive.open("rb") as content:
            done = subprocess.run(arguments, stdin=content, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise click.ClickException(
            "ssh-keygen is missing, which checks signatures: install the package openssh-client"
        ) from error
    found = _FINGERPRINT.search(done.stdout)
    return found[0] if done.returncode == 0 and found else None
