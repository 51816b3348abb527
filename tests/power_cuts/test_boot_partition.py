"""The boot partition on an emulated machine: power cuts while it is filled, and a new kernel that does not boot.

A whole kernel, initramfs and config.txt have to be there at any moment.

The settings and the initramfs change again and again meanwhile, as updates of packages change them. The initramfs gets
zeros at its end, which the kernel skips. The variables of tests/power_cuts/test_power_cuts.py count here, too.
"""

from __future__ import annotations

import random
import shlex
import time
from pathlib import Path

from image import ui
from image.build_root import BuildRoot
from image.emulated.boot_partition import BootPartition
from image.emulated.machine import Machine
from image.emulated.power_cut import PowerCutMachine
from tests.appliance.client import Appliance

from .test_power_cuts import COUNT, SEED, SIMULATED_CUTS

CUT_DELAY_SECONDS = (5.0, 40.0)  # an emulated machine fills the partition in some ten seconds
MACHINE_SCRIPT = """
set -eu
version=$(uname -r)
if [ ! -e /var/tmp/initrd ]; then
  cp /boot/initrd.img-$version /var/tmp/initrd.new
  sync /var/tmp/initrd.new
  mv /var/tmp/initrd.new /var/tmp/initrd
fi
n=0
while :; do
  n=$((n + 1))
  cp /var/tmp/initrd /var/tmp/initrd.new
  head -c $((4096 * (n % 7 + 1))) /dev/zero >>/var/tmp/initrd.new
  sync /var/tmp/initrd.new
  mv /var/tmp/initrd.new /boot/initrd.img-$version
  sed -i '/^# change/d' /etc/default/raspi-firmware-custom
  echo "# change $n" >>/etc/default/raspi-firmware-custom
  DEB_MAINT_PARAMS=configure /etc/kernel/postinst.d/z50-raspi-firmware
done
"""
AFTER = """
DEB_MAINT_PARAMS=configure /etc/kernel/postinst.d/z50-raspi-firmware
v=$(uname -r)
for f in vmlinuz initrd.img; do cmp /boot/$f-$v /boot/firmware/$f-$v; done
test ! -e /boot/firmware/soniquebay.new
test $(findmnt -no FSTYPE /boot/firmware) = vfat
"""


class Card:
    """What the firmware reads from a card's boot partition."""

    def __init__(self, card: Path, tools: BuildRoot, scratch: Path) -> None:
        partition = BootPartition(card, tools)
        self.config = partition.read("config.txt").decode()
        files = partition.boot_files()
        self.command_line = files.command_line
        self.kernel, self.initramfs = (self._read(partition, name, scratch) for name in (files.kernel, files.initramfs))

    @staticmethod
    def _read(partition: BootPartition, name: str, scratch: Path) -> bytes:
        copy = partition.extract(name, scratch / "boot-file")
        try:
            return copy.read_bytes()
        finally:
            copy.unlink()


def test_a_board_boots_after_a_power_cut_while_the_boot_partition_is_filled(
    image_file: Path, tools: BuildRoot, tmp_path: Path
) -> None:
    first = Card(image_file, tools, tmp_path)
    rng = random.Random(SEED)  # noqa: S311

    def check_card(card: Path, how: str) -> None:
        found = Card(card, tools, tmp_path)
        assert found.kernel == first.kernel, how
        assert found.initramfs.rstrip(b"\0") == first.initramfs.rstrip(b"\0"), how
        assert found.command_line == first.command_line, how
        shown = "\n".join(line for line in found.config.splitlines() if not line.startswith("# change"))
        assert shown.rstrip() == first.config.rstrip(), how

    with PowerCutMachine(image_file, tools=tools) as machine:
        machine.start()
        for number in range(1, COUNT + 1):
            with ui.step(f"Cut {number} while the boot partition is filled") as step:
                appliance = Appliance(machine)
                appliance.healthy()
                machine.wait_for_ssh()
                began = machine.request_count()
                unit = "systemd-run --unit=fill-boot-partition sh -c"
                appliance.run(f"{unit} {shlex.quote(MACHINE_SCRIPT)}")
                time.sleep(rng.uniform(*CUT_DELAY_SECONDS))
                state = "systemctl is-active fill-boot-partition || journalctl -b -o cat -n 20 -u fill-boot-partition"
                assert appliance.run(state).strip() == "active"
                replay = machine.cut_power(rng, check_card, SIMULATED_CUTS, began)
                step.report_status(str(replay))
                check_card(machine.card, str(replay))
                machine.start()
                Appliance(machine).healthy()
                machine.wait_for_ssh()
                appliance.run(AFTER)


BROKEN_KERNEL = """
cp /boot/initrd.img-$(uname -r) /boot/initrd.img-99.1
head -c 10000000 /dev/urandom >/boot/vmlinuz-99.1
DEB_MAINT_PARAMS=configure /etc/kernel/postinst.d/z50-raspi-firmware
sync
"""
TRY_SECONDS = 120.0  # the good kernel answers by SSH within them


def test_a_new_kernel_that_does_not_boot_is_left_by_the_settings_before_it(
    image_file: Path, tools: BuildRoot, tmp_path: Path
) -> None:
    """As docs/operating.md says: `config.old` over `config.txt`, on any computer."""
    with Machine(image_file, tools=tools) as machine:
        machine.start()
        appliance = Appliance(machine)
        appliance.healthy()
        machine.wait_for_ssh()
        appliance.run(BROKEN_KERNEL)
        machine.stop()
        partition = BootPartition(machine.card, tools)
        assert "kernel=vmlinuz-99.1" in partition.read("config.txt").decode()
        machine.start()
        time.sleep(TRY_SECONDS)
        assert machine.ssh("true").returncode != 0
        machine.stop(grace_seconds=0)
        partition.write("config.txt", partition.read("config.old").decode(), tmp_path)
        machine.start()
        Appliance(machine).healthy()
