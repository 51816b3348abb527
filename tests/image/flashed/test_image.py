"""What is the image's own, and not the playbook's: mounts, boot files, logins, and a card without an identity."""

from __future__ import annotations

from typing import Any

from image.bootcheck.card import Card


def test_root_is_mounted_gently(host: Any) -> None:
    root, boot = host.mount_point("/"), host.mount_point("/boot/firmware")
    assert {"noatime", "commit=30"} <= set(root.options)
    assert boot.filesystem == "vfat"


def test_boot_files_are_debians(host: Any) -> None:
    said = host.check_output("cat /boot/firmware/cmdline.txt /boot/firmware/config.txt")
    cmdline = said.splitlines()[0].split()
    assert {"root=LABEL=rootfs", "psi=1", "cgroup_enable=memory", "console=ttyS1,115200"} <= set(cmdline)
    assert not any(word.startswith("cma=") for word in cmdline)
    assert "gpu_mem=16" in said


def test_ssh_takes_keys_only(host: Any) -> None:
    said = host.check_output("sshd -T")
    assert {"passwordauthentication no", "permitrootlogin without-password"} <= set(said.splitlines())


def test_its_name(host: Any) -> None:
    assert host.file("/etc/hostname").content_string == "soniquebay\n"


def test_the_card_carries_no_identity(card: Card) -> None:
    assert "sshd_config" in card.list_folder("/etc/ssh")
    assert [name for name in card.list_folder("/etc/ssh") if name.startswith("ssh_host_")] == []
    assert card.read_text("/etc/machine-id") == "uninitialized\n"
    assert card.list_folder("/var/lib/soniquebay-secrets") == set()
    assert "random-seed" not in card.list_folder("/var/lib/systemd")


def test_nobody_has_a_key_or_a_right_on_the_card(card: Card) -> None:
    assert card.list_folder("/home") == set()
    assert card.list_folder("/root/.ssh") == set()
    assert card.list_folder("/etc/sudoers.d") == {"README"}


def test_the_card_carries_no_password(card: Card) -> None:
    hashes = [line.split(":")[:2] for line in card.read_text("/etc/shadow").splitlines()]
    assert len(hashes) > 20
    assert [name for name, word in hashes if word[:1] not in ("!", "*")] == []
