"""Players with a window, as Debian has them: a native root with their packages, and commands in it.

The root has no names of hosts, so a player reaches the stack of the test, and nothing on the internet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from image import build_root, cache, namespace, ui

PACKAGES = (
    "dbus-daemon",  # MPRIS, by which a player tells what it plays
    "libpython3-stdlib",
    "python3-minimal",
    "strawberry",
    "xdotool",  # the mouse
    "xvfb",
)
TITLE = "Root of the players"


def ensure() -> Path:
    """Return the root; make it, which needs root, if it has not been made."""
    digest = cache.digest(build_root.inputs_digest(), " ".join(PACKAGES))
    existing = cache.find("players", digest)
    if existing is not None:
        return existing
    cache.require_free_space(2)
    with ui.step(TITLE) as step:
        return cache.make("players", digest, "", lambda root: build_root.bootstrap(root, PACKAGES, step))


def command(root: Path, words: Sequence[str | Path], folders: Mapping[Path, str]) -> list[str]:
    """Return the command that runs another one in the root, on a message bus of its own; it needs root.

    `folders` maps folders of this machine to names below `namespace.BIND_FOLDER`, where the command finds
    them. "home" is its home.
    """
    mounts = [*namespace.kernel_mounts(root), *namespace.binds(root, folders)]
    variables = ["PATH=/usr/sbin:/usr/bin", "LC_ALL=C.UTF-8", "TZ=UTC", f"HOME={namespace.BIND_FOLDER}/home"]
    entered = ["env", "-i", *variables, "chroot", str(root), "dbus-run-session", "--"]
    return namespace.isolated(mounts, [*entered, *map(str, words)])
