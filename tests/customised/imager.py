"""The files that Raspberry Pi Imager 2 leaves on the boot partition when it is asked to customise a card.

The shape is that of its `generateCloudInitUserData` and `generateCloudInitNetworkConfig` for `init_format: cloudinit`,
whose keys and groups are not all known to this system and must do no harm. The locale and the appliance's own settings
are not Imager's: they are what a person adds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

GROUPS = "users,adm,dialout,audio,netdev,video,plugdev,cdrom,games,input,gpio,spi,i2c,render,sudo"


@dataclass(frozen=True)
class Wishes:
    """What a person filled in."""

    hostname: str
    user: str
    password_hash: str
    timezone: str
    keyboard: str
    locale: str
    network: str
    passphrase: str
    country: str
    instance: str
    watch: str

    @property
    def wireless_key(self) -> str:
        """The key of the network, as Imager puts it instead of the passphrase: PBKDF2 of both, in hex."""
        return hashlib.pbkdf2_hmac("sha1", self.passphrase.encode(), self.network.encode(), 4096, 32).hex()

    def user_data(self, public_key: str) -> str:
        """cloud-init's main file."""
        return f"""#cloud-config
manage_resolv_conf: false
hostname: {self.hostname}
manage_etc_hosts: true
packages:
- avahi-daemon
apt:
  preserve_sources_list: true
  conf: |
    Acquire {{
      Check-Date "false";
    }};
timezone: {self.timezone}
locale: {self.locale}
keyboard:
  model: pc105
  layout: "{self.keyboard}"
users:
- name: {self.user}
  groups: {GROUPS}
  shell: /bin/bash
  lock_passwd: false
  passwd: "{self.password_hash}"
  ssh_authorized_keys:
    - {public_key.strip()}
  sudo: ALL=(ALL) NOPASSWD:ALL
write_files:
- path: /etc/soniquebay/soniquebay.env
  append: true
  content: |
    SONIQUEBAY_WATCH={self.watch}
enable_ssh: true
ssh_pwauth: false
"""

    def network_config(self) -> str:
        """The Wi-Fi network, in netplan's form."""
        return f"""network:
  version: 2
  wifis:
    wlan0:
      dhcp4: true
      regulatory-domain: "{self.country}"
      access-points:
        "{self.network}":
          password: "{self.wireless_key}"
      optional: true
"""

    def meta_data(self) -> str:
        """Which card this is: a new one begins anew."""
        return f"instance-id: {self.instance}\n"

    def command_line(self, before: str) -> str:
        """What is put behind the kernel's command line."""
        return f"{before.rstrip()} cfg80211.ieee80211_regdom={self.country} ds=nocloud;i={self.instance}\n"
