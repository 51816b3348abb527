"""The files that the roles write, rendered by Ansible itself and not written to the machine."""

from __future__ import annotations

import base64
import json
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from .playbook import ROLES, LocalMachine

# Role -> the lists of files that its tasks give to file_set.
FILE_LISTS = {
    "base": "__base_files + __base_machine_files + __base_image_files",
    "pi_tuning": "__pi_tuning_files + __pi_tuning_boot_files",
    "redis": "__redis_files",
    "services": "__services_files + __services_units",
    "storage": "__storage_files",
    "worker": "__worker_files",
}
# What has no default.
REQUIRED = {"worker_appliance_url": "http://soniquebay.local"}
Files = dict[str, dict[str, Any]]


def render(variables: dict[str, dict[str, Any]]) -> dict[str, dict[str, Files]]:
    """Render the roles for each host with its inventory variables: host -> role -> path -> entry of file_set."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for role in (*FILE_LISTS, "soniquebay"):
            for part in ("defaults", "vars", "templates", "meta"):
                if (ROLES / role / part).exists():
                    shutil.copytree(ROLES / role / part, folder / "roles" / role / part)
        for role, lists in FILE_LISTS.items():
            tasks = folder / "roles" / role / "tasks"
            tasks.mkdir()
            # printed and not written by a module, which would start Python once more for each
            output = f"<{{{{ inventory_hostname }}}} {role} {{{{ ({lists}) | to_json | b64encode }}}}>"
            (tasks / "main.yml").write_text(json.dumps([{"ansible.builtin.debug": {"msg": output}}]))
        hosts = {name: {"ansible_connection": "local", **REQUIRED, **values} for name, values in variables.items()}
        machine = LocalMachine(folder, inventory={"all": {"hosts": hosts}}, roles=folder / "roles")
        printed = machine.play({"hosts": "all", "roles": list(FILE_LISTS)})
    result: dict[str, dict[str, Files]] = {host: {} for host in variables}
    for host, role, text in re.findall(r"<(\S+) (\S+) (\S+)>", printed):
        result[host][role] = {entry["path"]: entry for entry in json.loads(base64.b64decode(text))}
    return result


# Another value for every variable of the role soniquebay that a file shows.
OTHER_VALUES = {
    "soniquebay_music": "/mnt/songs",
    "soniquebay_root": "/usr/lib/other",
    "soniquebay_command": "/usr/bin/other",
    "soniquebay_redis_socket": "/run/other/redis.sock",
    "soniquebay_http_port": 18080,
}


TLS_VALUES: dict[str, dict[str, Any]] = {
    "self-signed": {"services_tls": "self-signed", "services_https_port": 8443, "services_base_path": "/music"},
    "own": {
        "services_tls": "own",
        "services_tls_certificate": "/etc/ssl/private/music.pem",
        "services_tls_key": "/etc/ssl/private/music.key",
        "services_backups": 5,
        "services_backup_max_mb": 2000,
        "services_backup_folder": "/mnt/stick",
        "services_backup_hour": 4,
    },
}


@cache
def rendered() -> dict[str, dict[str, Files]]:
    """Render the roles once for some hosts: `default`, `other`, whose inventory has the other values, and with TLS."""
    return render({"default": {}, "other": OTHER_VALUES, **TLS_VALUES})
