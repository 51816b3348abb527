"""site.yml on a running machine: it changes nothing that is right, repairs damage, and loses no data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from image import release
from image.paths import dist

from ..client import Appliance, wait_for
from ..playbook import recap, run_playbook
from ..snapshot import take_snapshot

# Each command breaks something that a role sets up, while the machine runs.
DAMAGE = """
sed -i 's/^vm.swappiness.*/vm.swappiness = 60/' /etc/sysctl.d/90-soniquebay.conf
sysctl --quiet --load=/etc/sysctl.d/90-soniquebay.conf
rm /etc/systemd/journald.conf.d/50-soniquebay.conf
systemctl disable --quiet --now soniquebay.target
DEBIAN_FRONTEND=noninteractive apt-get -q -y purge redis-server >/dev/null
rm /opt/soniquebay/current /etc/systemd/system/soniquebay-worker.service
chmod 0666 /etc/sysusers.d/soniquebay.conf
rm /etc/udev/rules.d/*soniquebay*
"""


CERTIFICATE, KEY = "/etc/ssl/certs/owner.pem", "/etc/ssl/private/owner.key"
MAKE_CERTIFICATE = f"""
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=music.example \\
  -addext subjectAltName=DNS:music.example -keyout {KEY} -out {CERTIFICATE} 2>/dev/null
chmod 0600 {KEY}
"""

STICK_FOLDER, STICK_BYTES = "/mnt/backup", 256 << 20
STICK_DEVICE = "/dev/disk/by-id/usb-QEMU_QEMU_HARDDISK_stick-0:0"
PREPARE_STICK = f"""
mkfs.ext4 -q -L SB_BACKUP {STICK_DEVICE}
mkdir -p {STICK_FOLDER}
echo 'LABEL=SB_BACKUP {STICK_FOLDER} auto nofail,noatime 0 0' >>/etc/fstab
systemctl daemon-reload
udevadm settle
mount {STICK_FOLDER}
chown soniquebay-api:soniquebay {STICK_FOLDER}
"""


def run_site(appliance: Appliance, folder: Path, **variables: str) -> dict[str, int]:
    """Run site.yml and return the numbers of its recap; fail when the playbook fails."""
    archive = dist() / release.archive_name(release.version_of(release.APP))
    return recap(run_playbook(appliance, folder, "site.yml", archive, **variables))


def test_the_playbook_changes_nothing_on_the_image(appliance: Appliance, tmp_path: Path) -> None:
    numbers = run_site(appliance, tmp_path)
    assert numbers["ok"] > 10
    assert numbers["changed"] == numbers["failed"] == 0


def test_damage_is_repaired(appliance: Appliance, tmp_path: Path) -> None:
    appliance.scan_songs("/srv/music/Kept", 1, title="Kept", artist="Somebody", album="An album")
    before = take_snapshot(appliance, appliance.cookie())
    appliance.run(DAMAGE)
    assert appliance.try_run("systemctl is-active soniquebay-api.service redis-server.service")[0] != 0
    assert run_site(appliance, tmp_path)["changed"] > 5
    assert appliance.healthy()["status"] == "ok"
    assert take_snapshot(appliance, before["cookie"]) == before
    state = appliance.run(
        "sysctl -n vm.swappiness; systemctl is-enabled soniquebay.target redis-server.service;"
        "stat -c %a /etc/sysusers.d/soniquebay.conf; ls /etc/udev/rules.d | grep -c soniquebay"
    )
    assert state.split() == ["180", "enabled", "enabled", "644", "1"]
    assert run_site(appliance, tmp_path)["changed"] == 0


@pytest.fixture(scope="module")
def configured(appliance: Appliance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the machine a certificate of its owner, and a second place for backups on a stick; then take both back."""
    appliance.run(MAKE_CERTIFICATE)
    plug_in_stick(appliance, tmp_path_factory.mktemp("stick") / "stick.img")
    appliance.run(PREPARE_STICK)
    variables = {"services_tls": "own", "services_tls_certificate": CERTIFICATE, "services_tls_key": KEY}
    folder = tmp_path_factory.mktemp("inventory")
    run_site(appliance, folder, **variables, services_backup_folder=STICK_FOLDER)
    appliance.healthy()
    yield
    run_site(appliance, folder)
    assert appliance.try_run("openssl s_client -connect 127.0.0.1:443 </dev/null")[0] != 0
    assert appliance.healthy()["status"] == "ok"


def plug_in_stick(appliance: Appliance, disk: Path) -> None:
    if not disk.exists():
        with disk.open("wb") as file:
            file.truncate(STICK_BYTES)
    appliance.machine.attach_disk(disk, "stick", read_only=False)
    wait_for("the stick", lambda: not appliance.try_run(f"test -b {STICK_DEVICE}")[0])


@pytest.mark.usefixtures("configured")
def test_a_certificate_of_the_owner_is_served(appliance: Appliance) -> None:
    fingerprint = appliance.run(f"openssl x509 -in {CERTIFICATE} -noout -fingerprint -sha256")
    for port in (443, 5555):
        command = f"openssl s_client -connect 127.0.0.1:{port} -verify_return_error -CAfile {CERTIFICATE} </dev/null"
        command += " 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
        wait_for(
            f"the certificate on port {port}",
            lambda shown=command: appliance.try_run(shown)[1].strip() == fingerprint.strip(),
        )
    # Only root reads the key in its folder: systemd hands a copy to the programs.
    assert appliance.run(f"stat -c '%U %a' {KEY}").split() == ["root", "600"]
    assert appliance.try_run(f"setpriv --reuid soniquebay-api --clear-groups cat {KEY}")[0] != 0


@pytest.mark.usefixtures("configured")
def test_backups_go_to_a_stick_that_is_pulled_out_and_plugged_in_again(
    appliance: Appliance, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert "Warning" not in appliance.try_run("soniquebay library backup")[1]
    assert backups_on_the_stick(appliance) == 1
    appliance.machine.detach_disk("stick")
    appliance.run(f"umount {STICK_FOLDER}")
    assert "Warning" in appliance.try_run("soniquebay library backup")[1]
    assert appliance.run(f"ls -A {STICK_FOLDER}") == ""
    plug_in_stick(appliance, next(tmp_path_factory.getbasetemp().glob("stick*/stick.img")))
    appliance.run(f"mount {STICK_FOLDER}")
    assert "Warning" not in appliance.try_run("soniquebay library backup")[1]
    assert backups_on_the_stick(appliance) == 2
    assert appliance.run(f"find {STICK_FOLDER} -name device.key") == ""


def backups_on_the_stick(appliance: Appliance) -> int:
    """Return how many backups the stick has, as its file system shows it outside of the API's unit."""
    return len(appliance.run(f"find {STICK_FOLDER} -name manifest.json").split())
