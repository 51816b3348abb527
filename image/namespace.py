"""Commands in a root file system, in namespaces of their own.

The mounts belong to the namespace: the kernel removes them with its last process, however that ends.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
BIND_FOLDER = "/mnt"  # where a program in a root finds the folders that `binds` mounts


def kernel_mounts(root: Path) -> list[str]:
    """Return shell lines that give a root its /proc, /sys, /dev, /run and /tmp."""
    at = shlex.quote(str(root))
    # ruff: noqa: S108  these are mount points, made here
    lines = [
        f"mount -t proc proc {at}/proc",
        f"mount --rbind /sys {at}/sys",
        f"mount -t tmpfs -o mode=755 tmpfs {at}/dev",
        f"mount -t tmpfs -o mode=755 tmpfs {at}/run",
        f"mount -t tmpfs -o mode=1777 tmpfs {at}/tmp",
        f"mkdir {at}/dev/pts {at}/dev/shm {at}/run/lock",
        f"mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts {at}/dev/pts",
        f"ln -s pts/ptmx {at}/dev/ptmx",
        f"ln -s /proc/self/fd {at}/dev/fd",
        f"ln -s /proc/self/fd/0 {at}/dev/stdin",
        f"ln -s /proc/self/fd/1 {at}/dev/stdout",
        f"ln -s /proc/self/fd/2 {at}/dev/stderr",
        f"mount -t tmpfs -o mode=1777 tmpfs {at}/dev/shm",
    ]
    lines += [f": > {at}/dev/{name}; mount --bind /dev/{name} {at}/dev/{name}" for name in DEVICES]
    return lines


def binds(root: Path, folders: Mapping[Path, str]) -> list[str]:
    """Return shell lines that mount files and folders of this machine below `BIND_FOLDER` in a root."""
    at = shlex.quote(str(root))
    lines = [f"mount -t tmpfs -o mode=755 tmpfs {at}{BIND_FOLDER}"]
    for source, name in folders.items():
        target = f"{at}{BIND_FOLDER}/{shlex.quote(name)}"
        make = f"mkdir -p {target}" if source.is_dir() else f": > {target}"
        lines.append(f"{make}; mount --bind {shlex.quote(str(source))} {target}")
    return lines


def isolated(prepare: Sequence[str], command: Sequence[str]) -> list[str]:
    """Return the command that runs the shell lines `prepare` and then `command` in mount and process namespaces."""
    script = "\n".join([*prepare, 'exec "$@"'])
    unshare = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return [*unshare, "--", "sh", "-euc", script, "sh", *command]
