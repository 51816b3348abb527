"""Native programs in an ARM64 root while it is built: the shell, perl and small tools of the build root.

Maintainer scripts and mkinitramfs start thousands of short processes, and each of them takes five times as long under
emulation. The native programs are bind mounts in a private namespace, with their libraries beside those of ARM64, as in
Debian's multiarch. None of them becomes part of the root.
"""

from __future__ import annotations

import platform
import re
import shlex
import subprocess
from pathlib import Path

from .build_root import BuildRoot

# None that mkinitramfs copies into the initramfs (kmod, udevadm, sleep, mount, …): it would copy the native one.
PROGRAMS = (
    *("basename", "bash", "cat", "chmod", "chown", "cp", "cut", "dash", "date", "dirname", "env", "find", "grep"),
    *("gzip", "head", "ln", "ls", "mawk", "mkdir", "mktemp", "mv", "perl", "readlink", "rm", "rmdir", "sed", "sort"),
    *("stat", "tail", "touch", "tr", "uniq", "wc", "xargs", "xz", "zstd"),
)


def mounts(root: Path, tools: BuildRoot) -> list[str]:
    """Return shell lines that mount the native programs over those that the root has."""
    if platform.machine() == "aarch64":
        return []
    programs = [tools.root / "usr/bin" / name for name in PROGRAMS]
    programs = [path for path in programs if path.is_file() and not path.is_symlink()]
    multiarch = f"usr/lib/{platform.machine()}-linux-gnu"
    at = shlex.quote(str(root))
    lines = [
        f"mkdir -p {at}/{multiarch} {at}/usr/lib64",
        f"mount -t tmpfs -o mode=755 tmpfs {at}/{multiarch}",
        f"mount -t tmpfs -o mode=755 tmpfs {at}/usr/lib64",
        f"test -e {at}/lib64 || ln -s usr/lib64 {at}/lib64",
    ]
    for library in _find_libraries(programs, tools):
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


def remove_mount_points(root: Path) -> None:
    """Remove the empty mount points that `mounts` made."""
    for name in (f"usr/lib/{platform.machine()}-linux-gnu", "usr/lib64"):
        if platform.machine() != "aarch64" and (root / name).is_dir():
            (root / name).rmdir()
    if (root / "lib64").is_symlink() and not (root / "lib64").exists():
        (root / "lib64").unlink()


def _find_libraries(programs: list[Path], tools: BuildRoot) -> list[Path]:
    """Return the shared libraries of the programs, as the build root's loader lists them."""
    libraries: set[Path] = set()
    for program in programs:
        command = tools.native(program.name)
        done = subprocess.run([*command[:3], "--list", str(program)], capture_output=True, text=True, check=True)
        libraries.update(Path(path) for path in re.findall(rf"=> ({re.escape(str(tools.root))}/\S+)", done.stdout))
    return sorted(path for path in libraries if not path.name.startswith("ld-linux"))
