"""The boot partition while Debian's hook fills it: with a power cut at any operation, a whole kernel is there to boot.

A real card with a FAT file system has its cuts in tests/power_cuts.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .boot_root import HOOK, BootRoot, Files
from .rendering import rendered

pytestmark = pytest.mark.slow  # the hook runs some two hundred times

OLD, NEW = "6.1", "6.2"
MAX_OPERATIONS = 200


@pytest.fixture
def boot(tmp_path: Path) -> BootRoot:
    """A machine that has booted the old kernel."""
    made = BootRoot(tmp_path / "root")
    made.make(rendered()["default"]["pi_tuning"]["/usr/local/lib/soniquebay/boot-files"]["content"])
    made.install_kernel(OLD)
    # config.txt ends with a line that tells whether it is whole
    made.write("etc/default/raspi-firmware-custom", b"#(end)\n")
    done = made.run()
    assert done.returncode == 0, done.stderr
    return made


def why_not_bootable(files: Files, initramfs: set[bytes]) -> str:
    """Return what keeps a board from booting these files; empty when nothing does."""
    config = files.get("config.txt", b"").decode()
    kernel, initrd = re.search(r"^kernel=(\S+)$", config, re.M), re.search(r"^initramfs (\S+)$", config, re.M)
    if not kernel or not initrd or not config.endswith("(end)\n"):
        return f"config.txt is not whole: {config!r}"
    version = kernel[1].removeprefix("vmlinuz-")
    if files.get(kernel[1]) != f"kernel {version}".encode():
        return f"the kernel {kernel[1]} is {files.get(kernel[1])!r}"
    if initrd[1] != f"initrd.img-{version}" or files.get(initrd[1]) not in initramfs:
        return f"the initramfs {initrd[1]} is {files.get(initrd[1])!r}"
    if (
        files.get("cmdline.txt", b"")
        != b" console=tty0 root=LABEL=rootfs rw fsck.repair=yes net.ifnames=0  rootwait psi=1\n"
    ):
        return f"cmdline.txt is {files.get('cmdline.txt')!r}"
    if not re.fullmatch(rb"tree 6\.[12]", files.get("bcm2711-rpi-4-b.dtb", b"")):
        return f"the device tree is {files.get('bcm2711-rpi-4-b.dtb')!r}"
    return ""


def cuts(boot: BootRoot, change: str, hook: str = f"/{HOOK}") -> list[str]:
    """Change the kernel, and cut the power at each operation of the hook; return what kept the board from booting."""
    before = boot.files()
    initramfs = {f"initramfs {v} {build}".encode() for v in (OLD, NEW) for build in ("first", "second")}
    found = []
    for stop in range(1, MAX_OPERATIONS):
        boot.replace_card(before)
        if change == "a new kernel":
            boot.install_kernel(NEW)
        elif change == "another initramfs":
            boot.install_kernel(OLD, "second")
        ended = boot.was_ended(boot.run(stop=stop, hook=hook))
        if not ended:
            assert stop > 8, "the stand-ins were not used"
            return found
        states = list(boot.after_a_cut())
        for state in states:
            if reason := why_not_bootable(state, initramfs):
                found.append(f"operation {stop}: {reason}")
            boot.replace_card(state)
            assert boot.run(hook=hook).returncode == 0  # dpkg --configure -a
            after = boot.files()
            newest = NEW if change == "a new kernel" else OLD
            assert why_not_bootable(after, initramfs) == ""
            assert f"kernel=vmlinuz-{newest}".encode() in after["config.txt"]
            if change == "another initramfs":
                assert after[f"initrd.img-{OLD}"] == b"initramfs 6.1 second"
            assert not (boot.root / "card/soniquebay.new").exists()
    raise AssertionError("the hook does not come to its end")


@pytest.mark.parametrize("change", [pytest.param("a new kernel", marks=pytest.mark.long), "another initramfs"])
def test_a_board_boots_after_a_power_cut_at_any_operation(boot: BootRoot, change: str) -> None:
    assert cuts(boot, change) == []


@pytest.mark.parametrize("change", ["a new kernel", "another initramfs"])
def test_it_would_not_with_debians_hook_alone(boot: BootRoot, change: str) -> None:
    """Otherwise the test above would prove nothing, and the hook of ours would not be needed."""
    found = cuts(boot, change, hook=f"/{HOOK}.distrib")
    assert any("config.txt is not whole" in reason for reason in found)
    if change == "another initramfs":
        assert any("the initramfs" in reason for reason in found)


def test_the_settings_of_the_kernel_that_runs_are_kept_beside_those_of_a_new_one(boot: BootRoot) -> None:
    old = boot.files()["config.txt"]
    boot.install_kernel(NEW)
    for _ in range(2):  # the second run changes nothing
        assert boot.run().returncode == 0
        assert boot.files()["config.old"] == old
        assert b"kernel=vmlinuz-6.2" in boot.files()["config.txt"]
    boot.install_kernel("6.3")  # before 6.2 was booted, which may be broken
    assert boot.run().returncode == 0
    assert boot.files()["config.old"] == old


def test_a_removed_kernel_leaves_the_boot_partition(boot: BootRoot) -> None:
    boot.install_kernel(NEW)
    assert boot.run().returncode == 0
    boot.remove_kernel(NEW)
    assert boot.run("remove").returncode == 0
    files = boot.files()
    assert {name for name in files if name.startswith(("vmlinuz", "initrd"))} == {"vmlinuz-6.1", "initrd.img-6.1"}
    assert b"kernel=vmlinuz-6.1" in files["config.txt"]


def test_nothing_has_changed_when_debians_hook_fails(boot: BootRoot) -> None:
    before = boot.files()
    boot.install_kernel(NEW)
    boot.write("stand-ins/cp", b"#!/host/bin/sh\necho 'No space left on device' >&2\nexit 1\n", 0o755)
    done = boot.run()
    assert done.returncode == 1, done.stderr
    assert "No space left" in done.stderr
    assert boot.files() == before
    assert not (boot.root / "card/soniquebay.new").exists()


def test_the_hook_takes_the_place_of_debians(boot: BootRoot) -> None:
    ours, debians = ((boot.root / name).read_bytes() for name in (HOOK, f"{HOOK}.distrib"))
    (boot.root / f"{HOOK}.distrib").rename(boot.root / HOOK)
    (boot.root / "var/lib/dpkg").mkdir(parents=True)
    for script in (ours, ours, ours + b"# of a later release\n"):
        boot.write("usr/local/lib/soniquebay/boot-files", script, 0o755)
        done = boot.run("", "install", hook="/usr/local/lib/soniquebay/boot-files")
        assert done.returncode == 0, done.stderr
        assert (boot.root / HOOK).read_bytes() == script
        assert (boot.root / f"{HOOK}.distrib").read_bytes() == debians
        assert len(list((boot.root / HOOK).parent.iterdir())) == 2
    assert boot.run().returncode == 0
    assert why_not_bootable(boot.files(), {b"initramfs 6.1 first"}) == ""


def test_dpkg_installs_later_versions_of_the_hook_under_the_other_name(tmp_path: Path) -> None:
    """The real dpkg and dpkg-divert, as the hook calls it, in a root of their own."""
    root, hook = tmp_path / "root", tmp_path / "package" / HOOK
    for name in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc"):
        (root / name).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    diversion = ["dpkg-divert", f"--root={root}", "--add", "--rename", "--divert", f"/{HOOK}.distrib", f"/{HOOK}"]

    def install(version: str) -> None:
        hook.parent.mkdir(parents=True, exist_ok=True)
        hook.write_text(f"of Debian, {version}\n")
        control = tmp_path / "package/DEBIAN"
        control.mkdir(exist_ok=True)
        fields = (
            f"Package: raspi-firmware\nVersion: {version}\nArchitecture: all\nMaintainer: A <a@b>\nDescription: a\n"
        )
        (control / "control").write_text(fields)
        (control / "conffiles").write_text(f"/{HOOK}\n")
        subprocess.run(
            ["dpkg-deb", "--build", tmp_path / "package", tmp_path / "p.deb"], check=True, capture_output=True
        )
        command = ["dpkg", f"--root={root}", "--force-not-root,script-chrootless", "--log=/dev/null", "--install"]
        done = subprocess.run([*command, tmp_path / "p.deb"], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    install("1")
    for said in ("Adding", "Leaving"):
        assert said in subprocess.run(diversion, check=True, capture_output=True, text=True).stdout
    (root / HOOK).write_text("ours\n")
    install("2")
    assert (root / HOOK).read_text() == "ours\n"
    assert (root / f"{HOOK}.distrib").read_text() == "of Debian, 2\n"
    assert sorted(path.name for path in (root / HOOK).parent.iterdir()) == [
        Path(HOOK).name,
        f"{Path(HOOK).name}.distrib",
    ]
