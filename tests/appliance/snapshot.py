"""A snapshot of what a machine has to keep through an upgrade or a repair: its library, its owner and a session.

Another one is of the system: files, units and Debian packages. `python -m tests.appliance.snapshot STATE` makes a
library on the machine of a Molecule scenario and writes both to the folder STATE. Then it changes files of the system,
as if an older release had been flashed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx

from image.emulated import detached

from .client import REQUEST_TIMEOUT_SECONDS, Appliance

FILE_NAME, SYSTEM_FILE_NAME = "snapshot.json", "system.txt"
# Paths, modes, owners and checksums of what is not data, units with their states, and packages.
PRINT_SYSTEM = r"""
cd /
folders='etc usr/local usr/lib/systemd usr/lib/udev usr/lib/sysusers.d usr/lib/tmpfiles.d usr/share/initramfs-tools'
find $folders -xdev -not -path 'usr/local/bin/soniquebay' -printf '%p %y %m %u:%g %l\n' | LC_ALL=C sort
find $folders boot/firmware/*.txt -xdev -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
systemctl list-unit-files --no-pager --no-legend | grep -v ' transient '
dpkg-query --show
systemctl show --property=NeedDaemonReload 'soniquebay*' redis-server.service | sort -u
sysctl vm.swappiness
grep -o 'older' /proc/cmdline || true
"""
# Each line is a difference of another kind between two releases.
MAKE_OLDER = """
sed -i 's/^vm.swappiness.*/vm.swappiness = 60/' /etc/sysctl.d/90-soniquebay.conf
sysctl --quiet --load=/etc/sysctl.d/90-soniquebay.conf
rm /etc/systemd/journald.conf.d/50-soniquebay.conf /etc/udev/rules.d/90-soniquebay-music.rules
sed -i '/^MemoryHigh=/d' /etc/systemd/system/soniquebay-worker.service
systemctl stop soniquebay-maintenance.timer
rm /etc/systemd/system/soniquebay-maintenance.timer
touch /etc/systemd/system/soniquebay-secrets.service
chmod 0666 /etc/sysusers.d/soniquebay.conf
sed -i 's/^maxmemory .*/maxmemory 64mb/' /etc/redis/redis.conf
sed -i 's/psi=1/psi=1 older/' /etc/default/raspi-extra-cmdline
/usr/local/lib/soniquebay/make-boot-files
systemctl daemon-reload
"""


def take_snapshot(appliance: Appliance, cookie: dict[str, str]) -> dict[str, Any]:
    """Return all tracks, and who is signed in by the session that the snapshot began with."""
    tracks = appliance.all_items("/api/tracks")
    assert [(track["title"], track["has_vector"]) for track in tracks] == [("Kept", True)]
    session = httpx.get(f"{appliance.machine.url()}/api/session", cookies=cookie, timeout=REQUEST_TIMEOUT_SECONDS)
    return {"tracks": tracks, "user": session.json()["user"], "cookie": cookie}


def take_system_snapshot(appliance: Appliance) -> list[str]:
    """Return what a fresh image of a release and a machine that was upgraded to it have in common."""
    return appliance.run(PRINT_SYSTEM).splitlines()


def main() -> None:
    """Make the library, write the snapshots, and make the system older."""
    state = Path(sys.argv[1])
    machine = detached.attach(state)
    appliance = Appliance(machine)
    appliance.healthy()
    appliance.scan_songs("/srv/music/Kept", 1, title="Kept", artist="Somebody", album="An album")
    (state / FILE_NAME).write_text(json.dumps(take_snapshot(appliance, appliance.cookie())))
    (state / SYSTEM_FILE_NAME).write_text("\n".join(take_system_snapshot(appliance)))
    appliance.run(MAKE_OLDER)
    machine.release_monitor()


if __name__ == "__main__":
    main()
