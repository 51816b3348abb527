"""A root file system in which the hook for the boot partition runs, and is ended at a chosen one of its operations.

It is an ordinary folder. Debian's hook is the one of the package, and mounts and renames are the kernel's. Programs
that change files have a stand-in in front of them, which counts, and ends everything before or in the middle of its
work. What a power cut would lose besides is computed here: what was written since the last sync.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import debian_package

HOOK = "etc/kernel/postinst.d/z50-raspi-firmware"
TORN = b"half of it"  # what a file holds whose writing was cut
Files = dict[str, bytes]

# Ends all processes at the operation whose number is in /stop, before it or when half of it is done.
STAND_IN = """#!/host/bin/sh
number=$(($(/host/bin/cat /count) + 1))
echo $number >/count
name=${0##*/}
case $name:$* in
mv:*) eval "from=\\${$(($# - 1))} to=\\${$#}"; echo "mv ${from##*/} ${to##*/}" >>/operations ;;
rm:*/vmlinuz-* | rm:*/initrd.img-*) eval "to=\\${$#}"; echo "rm - ${to##*/}" >>/operations ;;
esac
if [ "$number" = "$(/host/bin/cat /stop)" ]; then
  eval "to=\\${$#}"
  case $name in
  cp) if [ -d "$to" ]; then to=$to/${1##*/}; fi; printf 'half of it' >"$to" ;;
  cat) printf 'half of it' ;;
  mv | rm) /host/bin/$name "$@" ;;
  esac
  kill -KILL 0
fi
/host/bin/$name "$@" || exit
if [ $name = sync ]; then
  /host/bin/rm -rf /synced
  /host/bin/cp -a /card /synced
  : >/operations
fi
"""
SETUP = """
mount --bind "$1" "$1"
mount --rbind / "$1/host"
mount --rbind /proc "$1/proc"
mount --bind "$1/card" "$1/boot/firmware"
root=$1
shift
exec chroot "$root" /host/bin/sh -c 'export DEB_MAINT_PARAMS=$1; shift; exec /host/bin/sh "$@"' sh "$@"
"""


@dataclass
class BootRoot:
    """The folder, with a kernel and what is on its boot partition."""

    root: Path

    def make(self, hook: str) -> None:
        """Fill it. `hook`: the text of ours."""
        for name in ("host", "proc", "card", "boot/firmware", "usr/lib", "etc/default", "etc/kernel/postinst.d", "dev"):
            (self.root / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64", "usr/bin", "usr/sbin"):
            (self.root / name).symlink_to(f"/host/{name}")
        for library in Path("/usr/lib").iterdir():
            (self.root / "usr/lib" / library.name).symlink_to(f"/host{library}")
        (self.root / "dev/null").symlink_to("/host/dev/null")
        package = debian_package.of_the_image("raspi-firmware", "non-free-firmware")
        self.write(f"{HOOK}.distrib", (package / HOOK).read_bytes(), 0o755)
        self.write(HOOK, hook.encode(), 0o755)
        for name in ("cp", "cat", "mv", "rm", "sync", "mkdir", "mount"):
            self.write(f"stand-ins/{name}", STAND_IN.encode(), 0o755)
        for name, text in {
            "dpkg": "echo arm64",
            "ischroot": "exit 1",
            "systemd-detect-virt": "exit 1",
            "uname": "echo 6.1",
        }.items():
            self.write(f"stand-ins/{name}", f"#!/host/bin/sh\n{text}\n".encode(), 0o755)
        self.write("etc/default/raspi-firmware", b"CMA=0\nROOTPART=LABEL=rootfs\nCONSOLES=tty0\n")
        self.write("etc/default/raspi-extra-cmdline", b"psi=1\n")

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(mode)

    def install_kernel(self, version: str, build: str = "first") -> None:
        """Put the files of a kernel where its package and initramfs-tools have them. `build`: of the initramfs."""
        self.write(f"boot/vmlinuz-{version}", f"kernel {version}".encode())
        self.write(f"boot/initrd.img-{version}", f"initramfs {version} {build}".encode())
        self.write(f"usr/lib/linux-image-{version}/broadcom/bcm2711-rpi-4-b.dtb", f"tree {version}".encode())

    def remove_kernel(self, version: str) -> None:
        for path in (f"boot/vmlinuz-{version}", f"boot/initrd.img-{version}"):
            (self.root / path).unlink()
        shutil.rmtree(self.root / f"usr/lib/linux-image-{version}")

    def run(
        self, action: str = "configure", *arguments: str, stop: int = 0, hook: str = f"/{HOOK}"
    ) -> subprocess.CompletedProcess[str]:
        """Run a hook as a maintainer script does, or with arguments, and end it at the operation of a number."""
        for name, text in (("count", "0"), ("stop", str(stop)), ("operations", "")):
            (self.root / name).write_text(text)
        shutil.rmtree(self.root / "synced", ignore_errors=True)
        shutil.copytree(self.root / "card", self.root / "synced")
        command = [
            "unshare",
            "--map-root-user",
            "--mount",
            "sh",
            "-euc",
            SETUP,
            "sh",
            str(self.root),
            action,
            hook,
            *arguments,
        ]
        return subprocess.run(
            command,
            env={"PATH": "/stand-ins:/usr/bin:/usr/sbin:/bin:/sbin"} | {"LC_ALL": "C"},
            capture_output=True, text=True, check=False, start_new_session=True, timeout=60,
        )  # fmt: skip

    def was_ended(self, done: subprocess.CompletedProcess[str]) -> bool:
        """Tell whether a run came to the operation at which it was to be ended. Fails when it ended otherwise."""
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode != 0

    def files(self) -> Files:
        """Return the boot partition as it is."""
        return _files(self.root / "card")

    def after_a_cut(self) -> Iterator[Files]:
        """Yield what may be on the card after the power was cut where the last run has ended.

        Of what was changed since the last sync, the content of new files is not there. Of the renames each may be there
        alone, all may be, and none.
        """
        synced, now = _files(self.root / "synced"), self.files()
        durable = set(_files(self.root / "synced", every=True).values())

        def content(name: str) -> bytes:
            return now[name] if now[name] in durable else TORN

        yield {name: content(name) for name in now}
        yield dict(synced)
        for line in (self.root / "operations").read_text().splitlines():
            operation, _, name = line.split()
            alone = dict(synced)
            if operation == "rm":
                alone.pop(name, None)
            elif name in now:
                alone[name] = content(name)
            yield alone

    def replace_card(self, files: Files) -> None:
        """Have the boot partition hold these files, and what the last run has left aside."""
        for name in set(self.files()) - files.keys():
            (self.root / "card" / name).unlink()
        for name, text in files.items():
            self.write(f"card/{name}", text)


def _files(folder: Path, *, every: bool = False) -> Files:
    found = folder.rglob("*") if every else folder.iterdir()
    return {os.fspath(path.relative_to(folder)): path.read_bytes() for path in found if path.is_file()}
