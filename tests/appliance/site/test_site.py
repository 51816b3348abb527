"""site.yml on a running machine: it changes nothing that is right, repairs damage, and loses no data."""

from __future__ import annotations

import re
from pathlib import Path

from image import release
from image.paths import dist

from ..client import Appliance, wait_for
from ..playbook import run_playbook
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


def run_site(appliance: Appliance, folder: Path, **variables: str) -> dict[str, int]:
    """Run site.yml and return the numbers of its recap; fail when the playbook fails."""
    archive = dist() / release.archive_name(release.version_of(release.APP))
    result = run_playbook(appliance, folder, "site.yml", archive, **variables)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    recap = result.stdout.rpartition("PLAY RECAP")[2]
    return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", recap)}


def test_the_playbook_changes_nothing_on_the_image(appliance: Appliance, tmp_path: Path) -> None:
    recap = run_site(appliance, tmp_path)
    assert recap["ok"] > 10
    assert recap["changed"] == recap["failed"] == 0


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


def test_a_certificate_of_the_owner_is_served(appliance: Appliance, tmp_path: Path) -> None:
    appliance.run(MAKE_CERTIFICATE)
    tls = {"services_tls": "own", "services_tls_certificate": CERTIFICATE, "services_tls_key": KEY}
    assert run_site(appliance, tmp_path, **tls)["failed"] == 0
    appliance.healthy()
    fingerprint = appliance.run(f"openssl x509 -in {CERTIFICATE} -noout -fingerprint -sha256")
    for port in (443, 5555):
        command = f"openssl s_client -connect 127.0.0.1:{port} -verify_return_error -CAfile {CERTIFICATE} </dev/null"
        command += " 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
        wait_for(
            f"the certificate on port {port}", lambda shown=command: appliance.try_run(shown)[1] == fingerprint.strip()
        )
    # only root reads the key in its folder: systemd hands a copy to the programs
    assert appliance.run(f"stat -c '%U %a' {KEY}").split() == ["root", "600"]
    assert appliance.try_run(f"setpriv --reuid soniquebay --clear-groups cat {KEY}")[0] != 0
    assert run_site(appliance, tmp_path)["failed"] == 0
    assert appliance.try_run("openssl s_client -connect 127.0.0.1:443 </dev/null")[0] != 0
    assert appliance.healthy()["status"] == "ok"
