"""The build root: a native Debian root with the build tools, the same ones whatever the user's machine runs."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import cache, mirrors, namespace, ui
from .errors import ActionableError
from .ui import Step

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
    "libfdt1",
    "mmdebstrap",
    "mount",
    "mtools",
    "ipxe-qemu",
    "python3",
    "python3-apt",
    "qemu-system-arm",
    "qemu-user",
    "xz-utils",
    "zstd",
)
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TITLE = "Build root"
_DPKG_EXCLUDED_PATHS = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
_HOST_NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class BuildRoot:
    """A build root that exists."""

    root: Path

    def native(self, tool: str, *arguments: str) -> list[str]:
        """Return the command that runs a tool with the build root's loader and libraries; it needs no root."""
        multiarch = f"{platform.machine()}-linux-gnu"
        loader = next((self.root / "usr/lib" / multiarch).glob("ld-linux-*.so.*"))
        program = next(self.root / f for f in (f"usr/bin/{tool}", f"usr/sbin/{tool}") if (self.root / f).exists())
        libraries = f"{self.root}/usr/lib/{multiarch}:{self.root}/usr/lib"
        return [str(loader), "--library-path", libraries, "--argv0", tool, str(program), *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables with which `native` tools find the build root's data instead of this machine's."""
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
        """Return the command that runs another one in the build root by chroot; it needs root.

        `folders` maps folders of this machine to names below `namespace.BIND_FOLDER`, where the command finds them.
        `prepare` are shell lines to run first, outside the chroot.
        `epoch` is the time that reproducible programs use instead of the clock, in seconds since 1970.
        """
        root = shlex.quote(str(self.root))
        lines = [*namespace.kernel_mounts(self.root), *namespace.binds(self.root, folders or {})]
        for file in _HOST_NETWORK_FILES:
            if Path(file).exists():
                lines.append(f"test -e {root}{file} || : > {root}{file}; mount --bind {file} {root}{file}")
        environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root", "TZ=UTC"]
        environment += [f"SOURCE_DATE_EPOCH={epoch}"] if epoch is not None else []
        chroot = ["env", "-i", *environment, "chroot", str(self.root)]
        return namespace.isolated([*lines, *prepare], [*chroot, *command])


def inputs_digest() -> str:
    """Return the digest of everything that the build root is made from."""
    return cache.digest(SUITE, platform.machine(), " ".join(PACKAGES), " ".join(_DPKG_EXCLUDED_PATHS))


def find() -> BuildRoot | None:
    """Return the build root, or None when it has not been made."""
    root = cache.find("build-root", inputs_digest())
    return BuildRoot(root) if root else None


def ensure() -> BuildRoot:
    """Return the build root; make it, which needs root, if it has not been made.

    Raises `ActionableError` as `bootstrap` does.
    """
    existing = find()
    if existing is not None:
        ui.cached(TITLE)
        return existing
    cache.require_free_space(12)
    with ui.step(TITLE) as step:
        return BuildRoot(cache.make("build-root", inputs_digest(), "", lambda root: bootstrap(root, PACKAGES, step)))


def bootstrap(
    root: Path,
    packages: Sequence[str],
    step: Step,
    *,
    variant: str = "apt",
    architecture: str | None = None,
    tools: BuildRoot | None = None,
) -> None:
    """Make a Debian root with these packages at `root`; it needs root.

    `variant`: what is there beside them, as mmdebstrap names it. ``essential`` has no apt.
    `architecture`: Debian's name of another processor. This machine has to run its programs (`binfmt`).
    `tools`: the build root that makes it, in place of this machine's mmdebstrap, which knows no other processor.
    Raises `ActionableError` when this machine lacks what makes it.
    """
    if tools is None and shutil.which("mmdebstrap") is None:
        raise ActionableError("mmdebstrap is missing.", "Run: python -m image host-packages")
    sources = mirrors.configured().lines(SUITE, "main")
    options = ['APT::Install-Recommends "false"', *mirrors.apt_options()]
    command = ["mmdebstrap", "--mode=root", f"--variant={variant}", "--format=directory"]
    command.append(f"--include={','.join(packages)}")
    command += [f"--architectures={architecture}"] if architecture else []
    command += [f"--aptopt={option}" for option in options]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in _DPKG_EXCLUDED_PATHS]
    command += ["--dpkgopt=force-unsafe-io", f"--keyring={_find_host_keyring()}", SUITE]
    if tools is None:
        command += [str(root), *sources]
    else:
        command += [f"{namespace.BIND_FOLDER}/parent/{root.name}", *sources]
        command = tools.inside(command, {root.parent: "parent"})
    # the user's programs read the new root as well
    step.run(["sh", "-c", 'umask 022; "$@"', "sh", *command])
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").write_text("")
    root.chmod(0o755)


def _find_host_keyring() -> str:
    if not Path(KEYRING).exists():
        raise ActionableError("Debian's archive keys are missing.", "Run: python -m image host-packages")
    return KEYRING
