"""Native stand-ins in an ARM64 root while it is built: the same Debian's shell, perl and small tools at full speed.

Maintainer scripts and mkinitramfs start thousands of short processes, and each costs five times as much emulated. The
stand-ins are bind mounts in a private name space, with their libraries beside those of ARM64, as Debian's multiarch
lays them out; what ends up in the root is never one of them.
"""

from __future__ import annotations

import platform
import re
import shlex
import subprocess
from pathlib import Path

from .build_root import BuildRoot

# Nothing that an initramfs takes in (kmod, udevadm, sleep, mount, …): it would be the native one.
TOOLS = (
    *("basename", "bash", "cat", "chmod", "chown", "cp", "cut", "dash", "date", "dirname", "env", "find", "grep"),
    *("gzip", "head", "ln", "ls", "mawk", "mkdir", "mktemp", "mv", "perl", "readlink", "rm", "rmdir", "sed", "sort"),
    *("stat", "tail", "touch", "tr", "uniq", "wc", "xargs", "xz", "zstd"),
)


def mounts(root: Path, tools: BuildRoot) -> list[str]:
    """Shell lines that put the stand-ins in place of those tools that the root has."""
    if platform.machine() == "aarch64":
        return []
    programs = [tools.root / "usr/bin" / name for name in TOOLS]
    programs = [path for path in programs if path.is_file() and not path.is_symlink()]
    multiarch = f"usr/lib/{platform.machine()}-linux-gnu"
    at = shlex.quote(str(root))
    lines = [
        f"mkdir -p {at}/{multiarch} {at}/usr/lib64",
        f"mount -t tmpfs -o mode=755 tmpfs {at}/{multiarch}",
        f"mount -t tmpfs -o mode=755 tmpfs {at}/usr/lib64",
        f"test -e {at}/lib64 || ln -s usr/lib64 {at}/lib64",
    ]
    for library in _libraries(programs, tools):
        target = f"{at}/{multiarch}/{library.name}"
        lines.append(f": > {target}; mount --bind {shlex.quote(str(library))} {target}")
    loader = next((tools.root / "usr/lib64").glob("ld-linux-*.so.*"))
    lines.append(f": > {at}/usr/lib64/{loader.name}")
    lines.append(f"mount --bind {shlex.quote(str(loader.resolve()))} {at}/usr/lib64/{loader.name}")
    modules = f"{multiarch}/perl-base"
    lines.append(f"mkdir {at}/{modules}; mount --bind {shlex.quote(str(tools.root))}/{modules} {at}/{modules}")
    for program in programs:
        target = f"{at}/usr/bin/{program.name}"
        lines.append(f"test ! -f {target} || mount --bind {shlex.quote(str(program))} {target}")
    return lines


def remove_traces(root: Path) -> None:
    """The empty mount points."""
    for name in (f"usr/lib/{platform.machine()}-linux-gnu", "usr/lib64"):
        if platform.machine() != "aarch64" and (root / name).is_dir():
            (root / name).rmdir()
    if (root / "lib64").is_symlink() and not (root / "lib64").exists():
        (root / "lib64").unlink()


def _libraries(programs: list[Path], tools: BuildRoot) -> list[Path]:
    """What the programs link to, asked of the build root's own loader."""
    found: set[Path] = set()
    for program in programs:
        command = tools.native(program.name)
        listed = subprocess.run([*command[:3], "--list", str(program)], capture_output=True, text=True, check=True)
        found.update(Path(path) for path in re.findall(rf"=> ({re.escape(str(tools.root))}/\S+)", listed.stdout))
    return sorted(path for path in found if not path.name.startswith("ld-linux"))
