"""The files that Raspberry Pi Imager 2 writes to the boot partition to customise a card.

They follow its `generateCloudInitUserData` and `generateCloudInitNetworkConfig` for `init_format: cloudinit`. Some of
their keys and groups do not exist on this system and must do no harm. Imager does not write the locale and the settings
of the appliance; an operator adds them by hand.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

GROUPS = "users,adm,dialout,audio,netdev,video,plugdev,cdrom,games,input,gpio,spi,i2c,render,sudo"


@dataclass(frozen=True)
class Customisation:
    """The values of Imager's form, and those that an operator adds."""

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
        """Return the WPA pre-shared key that Imager writes instead of the passphrase (PBKDF2-HMAC-SHA1, in hex)."""
        return hashlib.pbkdf2_hmac("sha1", self.passphrase.encode(), self.network.encode(), 4096, 32).hex()

    def user_data(self, public_key: str) -> str:
        """Return the content of user-data."""
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
        """Return the content of network-config: the Wi-Fi network in netplan's format."""
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
        """Return the content of meta-data; a new instance id makes cloud-init run again."""
        return f"instance-id: {self.instance}\n"

    def command_line(self, original: str) -> str:
        """Return the kernel command line with Imager's options behind the original ones."""
        return f"{original.rstrip()} cfg80211.ieee80211_regdom={self.country} ds=nocloud;i={self.instance}\n"
