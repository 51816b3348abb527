"""The key that signs a release, and the keys that a release trusts for the one after it.

Both are the builder's own, in `$XDG_DATA_HOME/soniquebay`:

    release-key       signs, unless another key is named; made once
    release-signers   public keys, one a line, that releases trust; without this file the key that signs
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import click
from rich.markup import escape

from soniquebay.releases import signatures

from . import cache, signature, ui
from .errors import ActionableError
from .paths import chown_to_invoking_user, data_home

KEY, LIST = "release-key", "release-signers"
# A key of another purpose must not sign releases. No dates: the clock of a Pi without a network is wrong.
_BEFORE_KEY = f'{signatures.PRINCIPAL} namespaces="{signatures.NAMESPACE}" '


def signing_key(named: Path | None = None) -> Path:
    """Return the key that signs releases: the named one, that of the variable SIGN_KEY, or the builder's own.

    The builder's own is made if it is missing. Raises `ActionableError` when a named key is missing.
    """
    if named is None and os.environ.get("SIGN_KEY"):
        named = Path(os.environ["SIGN_KEY"])
    if named is not None:
        return signature.require_key(named)
    key = data_home() / KEY
    with cache.locked("signatures"):
        if not key.exists():
            _make(key)
    return key


def trusted(key: Path) -> str:
    """Return the content of a release's file SIGNERS, the same for the same keys. `key` signs the release.

    Raises `ActionableError` when the builder's list has no keys, or a line that is none.
    """
    own, listed = signature.public_half(key), data_home() / LIST
    keys = list(dict.fromkeys(_read(listed))) if listed.exists() else [own]
    if own not in keys:
        ui.console.print(f"[yellow]![/yellow] {escape(str(listed))} does not have {escape(str(key))}.", soft_wrap=True)
        ui.console.print("  A machine with this release will refuse releases that are signed with this key.")
    return "".join(f"{_BEFORE_KEY}{public}\n" for public in keys)


def sign(archive: Path, key: Path) -> Path:
    """Return the signature of a release archive, beside it. One that fits already is kept.

    Raises `ActionableError` when the key cannot sign.
    """
    target, title = archive.with_name(archive.name + signatures.SUFFIX), f"Signature of {archive.name}"
    with cache.locked("signatures"):
        if _is_signed(archive, key):
            ui.cached(title)
            return target
        with ui.step(title) as step:
            signature.sign(archive, key, step, signatures.NAMESPACE)
    return target


def _is_signed(archive: Path, key: Path) -> bool:
    """Tell whether a machine that trusts this key alone would take the archive."""
    with tempfile.TemporaryDirectory() as release:
        (Path(release) / signatures.FILE_NAME).write_text(f"{_BEFORE_KEY}{signature.public_half(key)}\n")
        try:
            signatures.check(archive, Path(release), lambda _: None)
        except click.ClickException:
            return False
    return True


def _read(listed: Path) -> list[str]:
    keys = []
    for line in listed.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        public = signature.parse_public(line.removeprefix(_BEFORE_KEY))
        if public is None:
            raise ActionableError(f"{listed} has a line that is no public key: {line}", "Each line is that of a .pub.")
        keys.append(public)
    if not keys:
        raise ActionableError(f"{listed} has no key.", "Add one, or remove the file.")
    return keys


def _make(key: Path) -> None:
    partial = key.with_name(f"{key.name}.partial")
    for path in (partial, partial.with_name(f"{partial.name}.pub")):  # of a build that was ended
        path.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", signatures.NAMESPACE, "-f", str(partial)]
    subprocess.run(command, check=True)
    for suffix in (".pub", ""):  # the key last: it is made again until it is there
        path = key.with_name(key.name + suffix)
        partial.with_name(partial.name + suffix).rename(path)
        chown_to_invoking_user(path)
    ui.console.print(
        f"[green]✓[/green] {escape(str(key))} signs releases from now on. Keep a copy of it.", soft_wrap=True
    )
