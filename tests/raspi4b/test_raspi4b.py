"""The card in a Raspberry Pi 4 as QEMU knows it: the same file that is flashed, on the board's own drivers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from image import devicetree
from image.build_root import BuildRoot
from image.devicetree import Change
from image.emulated import raspi4b
from image.emulated.boot_partition import BootPartition
from image.errors import ActionableError
from image.ui import step
from tests.image.appliance import NOT_FOUND, Appliance

from .conftest import SONGS

KILLED = "Out of memory|oom-kill|oom_kill"


@pytest.fixture(scope="module")
def tree(image_file: Path, tools: BuildRoot) -> bytes:
    """The device tree of the image."""
    return BootPartition(image_file, tools).read(raspi4b.DEVICE_TREE)


def test_the_device_tree_is_changed_as_asked(tree: bytes, tools: BuildRoot) -> None:
    changed = devicetree.apply_changes(tree, raspi4b.CHANGES, tools)
    for change in raspi4b.CHANGES:
        found = devicetree.read_property(changed, change.node, change.name, tools)
        assert found == (None if change.remove else change.content)
        assert found != devicetree.read_property(tree, change.node, change.name, tools)
    model = devicetree.read_property(tree, "/", "model", tools)
    assert model == devicetree.read_property(changed, "/", "model", tools) == b"Raspberry Pi 4 Model B\0"


def test_a_change_to_what_is_not_there_is_refused(tree: bytes, tools: BuildRoot) -> None:
    with pytest.raises(ActionableError, match=r"/soc/nothing.*NOTFOUND"):
        devicetree.apply_changes(tree, [Change("/soc/nothing", "status", "okay")], tools)
    with pytest.raises(ActionableError, match=r"/soc nothing.*NOTFOUND"):
        devicetree.apply_changes(tree, [Change("/soc", "nothing", remove=True)], tools)
    with pytest.raises(ActionableError, match="BADMAGIC"):
        devicetree.apply_changes(b"no tree" * 10, [], tools)


def test_it_is_a_raspberry_pi_4(board: Appliance) -> None:
    said = board.run("tr -d '\\0' </proc/device-tree/model; echo; nproc; findmnt -nvo SOURCE /; ls /sys/class/mmc_host")
    model, cores, root, _ = said.split("\n", 3)
    assert model.startswith("Raspberry Pi 4 Model B")
    assert cores == "4"
    assert re.fullmatch(r"/dev/mmcblk\d+p2", root)


def test_the_kernel_is_protected_as_on_a_pi(board: Appliance) -> None:
    """The other emulated machines do without page tables of the kernel's own, for they cost half their time."""
    said = board.run("journalctl -b -k -q --no-pager -o cat -g 'KASLR|page table isolation'")
    assert "KASLR enabled" in said
    assert "detected: Kernel page table isolation" in said


def test_all_of_it_runs(board: Appliance) -> None:
    state = board.run("systemctl is-system-running --wait || true; systemctl list-units --failed --plain --no-legend")
    assert state.split() == ["running"]
    assert not any(board.restarts().values()), board.restarts()
    kernel = board.try_run("journalctl -b -k -q --no-pager -g 'EXT4-fs error|mmc.*error|I/O error|Oops|BUG:'")
    assert kernel == NOT_FOUND


def test_the_root_takes_the_whole_card(board: Appliance) -> None:
    size = int(board.run("df -B1 --output=size / | tail -1"))
    assert size > 0.85 * raspi4b.Raspberry4.DISK_GIBIBYTES * 2**30


def test_the_disk_is_scanned(board: Appliance) -> None:
    with step("Scan and analysis"):
        session = board.idle_session()
    assert (session["files"], session["failures"]) == (SONGS, 0)
    tracks = board.all_of("/api/tracks")
    assert len(tracks) == SONGS
    assert all(track["has_vector"] for track in tracks)


def test_a_gibibyte_is_enough(board: Appliance) -> None:
    """After a scan: nobody was killed for want of memory, and some is left."""
    meminfo = board.run("cat /proc/meminfo")
    facts = {name: int(kib) // 1024 for name, kib in re.findall(r"^(\w+): +(\d+) kB$", meminfo, re.MULTILINE)}
    names = ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree")
    peak = board.run("cat /sys/fs/cgroup/soniquebay.slice/memory.peak /sys/fs/cgroup/soniquebay.slice/memory.current")
    print({**{name: facts[name] for name in names}, "slice": [int(value) // 2**20 for value in peak.split()]})
    assert facts["MemTotal"] < 1024
    assert facts["MemAvailable"] > 100
    assert board.try_run(f"journalctl -b -q --no-pager -t kernel -t systemd -g '{KILLED}'") == NOT_FOUND
