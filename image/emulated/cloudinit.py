"""cloud-init files for the boot partition, as Raspberry Pi Imager writes them to customise a card."""

from __future__ import annotations

import json

from .cable import Cable

USER = "pi"
FIRST_CARD = "52:54:00:12:34:56"  # QEMU's MAC address for a card without one


def files(hostname: str, public_key: str, cable: Cable | None = None) -> dict[str, str]:
    """Return user-data, meta-data and network-config by name, with one user who has the SSH key and no password.

    With a `cable` the second network card has its fixed address.
    """
    user = {
        "name": USER,
        "gecos": "SoniqueBay operator",
        "groups": "users,adm,sudo,systemd-journal",
        "shell": "/bin/bash",
        "lock_passwd": True,
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "ssh_authorized_keys": [public_key.strip()],
    }
    user_data = {"hostname": hostname, "manage_etc_hosts": True, "ssh_pwauth": False, "users": [user]}
    cards = {"wired": {"match": {"name": "e*"}, "dhcp4": True, "optional": True}}
    if cable is not None:
        cards["wired"]["match"] = {"macaddress": FIRST_CARD}
        match = {"macaddress": cable.hardware_address}
        cards["cable"] = {"match": match, "addresses": [f"{cable.address}/24"], "optional": True}
    network = {"version": 2, "ethernets": cards}
    # JSON is YAML
    return {
        "user-data": f"#cloud-config\n{json.dumps(user_data, indent=2)}\n",
        "meta-data": f"instance-id: {hostname}\n",
        "network-config": f"{json.dumps(network, indent=2)}\n",
    }
