"""The build root: a native trixie root with the same tools whatever the user's own machine runs."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import cache, mirrors, namespace
from .errors import ActionableError
from .ui import cached, step

SUITE = "trixie"
PACKAGES = (
    "apt-utils",
    "arch-test",
    "bmap-tools",
    "ca-certificates",
    "debian-archive-keyring",
    "dosfstools",
    "e2fsprogs",
    "fdisk",
    "gpg",
    "gpg-agent",
    "mmdebstrap",
    "mount",
    "mtools",
    "ipxe-qemu",
    "python3",
    "qemu-system-arm",
    "qemu-user",
    "xz-utils",
    "zstd",
)
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")


@dataclass(frozen=True)
class BuildRoot:
    """A build root that was made."""

    root: Path

    def native(self, tool: str, *arguments: str) -> list[str]:
        """A tool run straight from here by the build root's own loader and libraries: no root needed, no chroot."""
        multiarch = f"{platform.machine()}-linux-gnu"
        loader = next((self.root / "usr/lib" / multiarch).glob("ld-linux-*.so.*"))
        program = next(self.root / f for f in (f"usr/bin/{tool}", f"usr/sbin/{tool}") if (self.root / f).exists())
        libraries = f"{self.root}/usr/lib/{multiarch}:{self.root}/usr/lib"
        return [str(loader), "--library-path", libraries, "--argv0", tool, str(program), *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """What native tools need to find their own data rather than the host's."""
        multiarch = f"{platform.machine()}-linux-gnu"
        return {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "GCONV_PATH": f"{self.root}/usr/lib/{multiarch}/gconv",
            "MKE2FS_CONFIG": f"{self.root}/etc/mke2fs.conf",
            "MTOOLS_SKIP_CHECK": "1",
            "MTOOLSRC": "/dev/null",
            **more,
        }

    def inside(
        self,
        command: Sequence[str],
        folders: Mapping[Path, str] | None = None,
        prepare: Sequence[str] = (),
        epoch: int | None = None,
    ) -> list[str]:
        """A command run by chroot in the build_root, with folders of ours below `namespace.FOLDERS`. Needs root.

        `epoch` is the time that reproducible programs take for now.
        """
        at = shlex.quote(str(self.root))
        lines = [*namespace.kernel_mounts(self.root), *namespace.binds(self.root, folders or {})]
        for file in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"):
            if Path(file).exists():  # the network as the host reaches it
                lines.append(f"test -e {at}{file} || : > {at}{file}; mount --bind {file} {at}{file}")
        home = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root", "TZ=UTC"]
        home += [f"SOURCE_DATE_EPOCH={epoch}"] if epoch is not None else []
        return namespace.isolated([*lines, *prepare], [*home, "chroot", str(self.root), *command])


def inputs_digest() -> str:
    """What the build root is made of."""
    return cache.digest(SUITE, platform.machine(), " ".join(PACKAGES), " ".join(_EXCLUDED))


def find() -> BuildRoot | None:
    """The build_root, if it has been made."""
    root = cache.find("build-root", inputs_digest())
    return BuildRoot(root) if root else None


def ensure() -> BuildRoot:
    """The build_root, made if need be (by root)."""
    ready = find()
    if ready is not None:
        cached("BuildRoot")
        return ready
    if shutil.which("mmdebstrap") is None:
        raise ActionableError("mmdebstrap is missing.", "Run: python -m image host-packages")
    cache.need_space(12)

    def build(root: Path) -> None:
        sources = mirrors.configured().lines(SUITE, "main")
        options = ['APT::Install-Recommends "false"', *mirrors.apt_options()]
        command = ["mmdebstrap", "--mode=root", "--variant=apt", "--format=directory"]
        command.append(f"--include={','.join(PACKAGES)}")
        command += [f"--aptopt={option}" for option in options]
        command += [f"--dpkgopt=path-exclude={pattern}" for pattern in _EXCLUDED]
        command += ["--dpkgopt=force-unsafe-io", f"--keyring={_host_keyring()}", SUITE, str(root), *sources]
        # the new root is read by the loader as the user too
        current.run(["sh", "-c", 'umask 022; "$@"', "sh", *command])
        (root / "etc/resolv.conf").unlink(missing_ok=True)
        (root / "etc/resolv.conf").write_text("")
        root.chmod(0o755)

    with step("BuildRoot") as current:
        return BuildRoot(cache.make("build-root", inputs_digest(), "", build))


def _host_keyring() -> str:
    if not Path(KEYRING).exists():
        raise ActionableError("Debian's archive keys are missing.", "Run: python -m image host-packages")
    return KEYRING
