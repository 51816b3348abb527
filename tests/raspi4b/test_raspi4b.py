"""The flashed file in QEMU's Raspberry Pi 4, with the drivers of the board."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from image import devicetree, ui
from image.build_root import BuildRoot
from image.devicetree import Change
from image.emulated import raspi4b
from image.emulated.boot_partition import BootPartition
from image.errors import ActionableError
from tests.appliance.client import NO_ENTRIES, Appliance

from .conftest import SUFFIXES

OOM_KILLS = "Out of memory|oom-kill|oom_kill"


@pytest.fixture(scope="module")
def tree(image_file: Path, tools: BuildRoot) -> bytes:
    """Return the device tree of the image."""
    return BootPartition(image_file, tools).read(raspi4b.DEVICE_TREE)


def test_the_device_tree_has_the_requested_changes(tree: bytes, tools: BuildRoot) -> None:
    changed = devicetree.apply_changes(tree, raspi4b.DEVICE_TREE_CHANGES, tools)
    for change in raspi4b.DEVICE_TREE_CHANGES:
        value = devicetree.read_property(changed, change.node, change.name, tools)
        assert value == (None if change.remove else change.content)
        assert value != devicetree.read_property(tree, change.node, change.name, tools)
    model = devicetree.read_property(tree, "/", "model", tools)
    assert model == devicetree.read_property(changed, "/", "model", tools) == b"Raspberry Pi 4 Model B\0"


def test_a_change_to_a_missing_node_or_property_is_refused(tree: bytes, tools: BuildRoot) -> None:
    with pytest.raises(ActionableError, match=r"/soc/nothing.*NOTFOUND"):
        devicetree.apply_changes(tree, [Change("/soc/nothing", "status", "okay")], tools)
    with pytest.raises(ActionableError, match=r"/soc nothing.*NOTFOUND"):
        devicetree.apply_changes(tree, [Change("/soc", "nothing", remove=True)], tools)
    with pytest.raises(ActionableError, match="BADMAGIC"):
        devicetree.apply_changes(b"no tree" * 10, [], tools)


def test_linux_sees_a_raspberry_pi_4(board: Appliance) -> None:
    output = board.run(
        "tr -d '\\0' </proc/device-tree/model; echo; nproc; findmnt -nvo SOURCE /; ls /sys/class/mmc_host"
    )
    model, cores, root, _ = output.split("\n", 3)
    assert model.startswith("Raspberry Pi 4 Model B")
    assert cores == "4"
    assert re.fullmatch(r"/dev/mmcblk\d+p2", root)


def test_the_kernel_has_the_protections_of_a_pi(board: Appliance) -> None:
    """The other emulated machines run without page-table isolation, which takes half of their time."""
    messages = board.run("journalctl -b -k -q --no-pager -o cat -g 'KASLR|page table isolation'")
    assert "KASLR enabled" in messages
    assert "detected: Kernel page table isolation" in messages


def test_every_unit_runs_and_the_kernel_reports_no_error(board: Appliance) -> None:
    state = board.run("systemctl is-system-running --wait || true; systemctl list-units --failed --plain --no-legend")
    assert state.split() == ["running"]
    assert not any(board.restarts().values()), board.restarts()
    kernel = board.try_run("journalctl -b -k -q --no-pager -g 'EXT4-fs error|mmc.*error|I/O error|Oops|BUG:'")
    assert kernel == NO_ENTRIES


def test_the_root_file_system_fills_the_card(board: Appliance) -> None:
    size = int(board.run("df -B1 --output=size / | tail -1"))
    assert size > 0.85 * raspi4b.RaspberryPi4.DISK_GIBIBYTES * 2**30


def test_the_disk_is_scanned_and_analysed(board: Appliance) -> None:
    with ui.step("Scan and analysis"):
        session = board.idle_session()
    assert (session["files"], session["failures"]) == (len(SUFFIXES), 0)
    tracks = board.all_items("/api/tracks")
    assert len(tracks) == len(SUFFIXES)
    assert all(track["has_vector"] for track in tracks)


def test_one_gibibyte_of_memory_is_enough(board: Appliance) -> None:
    """After a scan no process was killed for lack of memory, and some memory is free."""
    meminfo = board.run("cat /proc/meminfo")
    mebibytes = {name: int(kib) // 1024 for name, kib in re.findall(r"^(\w+): +(\d+) kB$", meminfo, re.MULTILINE)}
    names = ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree")
    peak = board.run("cat /sys/fs/cgroup/soniquebay.slice/memory.peak /sys/fs/cgroup/soniquebay.slice/memory.current")
    print({**{name: mebibytes[name] for name in names}, "slice": [int(value) // 2**20 for value in peak.split()]})
    assert mebibytes["MemTotal"] < 1024
    assert mebibytes["MemAvailable"] > 100
    assert board.try_run(f"journalctl -b -q --no-pager -t kernel -t systemd -g '{OOM_KILLS}'") == NO_ENTRIES
