"""What only the image has and no playbook makes: mounts, boot files, logins, and a card without an identity."""

from __future__ import annotations

from typing import Any

from image.bootcheck.card import Card


def test_mount_options_reduce_writes_to_the_card(host: Any) -> None:
    root, boot = host.mount_point("/"), host.mount_point("/boot/firmware")
    assert {"noatime", "commit=30"} <= set(root.options)
    assert boot.filesystem == "vfat"


def test_boot_files_have_the_options_of_the_image(host: Any) -> None:
    files = host.check_output("cat /boot/firmware/cmdline.txt /boot/firmware/config.txt")
    cmdline = files.splitlines()[0].split()
    assert {"root=LABEL=rootfs", "psi=1", "cgroup_enable=memory", "console=ttyS1,115200"} <= set(cmdline)
    assert not any(option.startswith("cma=") for option in cmdline)
    assert "gpu_mem=16" in files


def test_ssh_accepts_keys_only(host: Any) -> None:
    settings = host.check_output("sshd -T").splitlines()
    assert {"passwordauthentication no", "permitrootlogin without-password"} <= set(settings)


def test_the_host_name_is_soniquebay(host: Any) -> None:
    assert host.file("/etc/hostname").content_string == "soniquebay\n"


def test_the_card_has_no_identity(card: Card) -> None:
    assert "sshd_config" in card.list_folder("/etc/ssh")
    assert [name for name in card.list_folder("/etc/ssh") if name.startswith("ssh_host_")] == []
    assert card.read_text("/etc/machine-id") == "uninitialized\n"
    assert card.list_folder("/var/lib/soniquebay") == set()
    assert "random-seed" not in card.list_folder("/var/lib/systemd")


def test_the_card_has_no_user_key_and_no_sudo_rule(card: Card) -> None:
    assert card.list_folder("/home") == set()
    assert card.list_folder("/root/.ssh") == set()
    assert card.list_folder("/etc/sudoers.d") == {"README"}


def test_the_card_has_no_password(card: Card) -> None:
    hashes = [line.split(":")[:2] for line in card.read_text("/etc/shadow").splitlines()]
    assert len(hashes) > 20
    assert [name for name, password_hash in hashes if password_hash[:1] not in ("!", "*")] == []
