"""Runs on the machine, as root: prints what a power cut could have broken, as JSON. Python's own library alone."""

import json
import pathlib
import sqlite3
import subprocess

SECRETS = pathlib.Path("/var/lib/soniquebay-secrets")
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
SERVICES = ("soniquebay-api", "soniquebay-worker", "soniquebay-flower", "redis-server")
REDIS = ("redis-cli", "-s", "/run/redis/redis-server.sock")
# What a kernel says when a file system or its disk is not as it should be; that it replays a journal is no fault.
KERNEL = r"EXT4-fs (error|warning)|EXT4-fs .*(corrupt|bad)|FAT-fs .*(error|corrupt)|JBD2.*(error|fail)|I/O error"


def out(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def library() -> list[str]:
    """What SQLite finds wrong."""
    with sqlite3.connect("file:/var/lib/soniquebay/library.db?mode=ro", uri=True) as database:
        found = [row[0] for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
        return found + [f"foreign key: {row}" for row in database.execute("PRAGMA foreign_key_check")]


def redis() -> dict[str, str]:
    """Its persistence, and whether it answers."""
    lines = out(*REDIS, "info", "persistence").splitlines()
    facts = dict(line.strip().split(":", 1) for line in lines if ":" in line)
    wanted = ("aof_enabled", "loading", "aof_last_write_status", "aof_last_bgrewrite_status")
    return {"ping": out(*REDIS, "ping"), **{name: facts.get(name, "") for name in wanted}}


def main() -> None:
    state = out("systemctl", "is-system-running", "--wait")
    key = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", HOST_KEY], capture_output=True, text=True, check=False)
    cloud = json.loads(out("cloud-init", "status", "--format", "json") or "{}")
    facts = {
        "state": state,
        "failed": out("systemctl", "list-units", "--failed", "--plain", "--no-legend").splitlines(),
        "died": [name for name in SERVICES if out("systemctl", "show", "-P", "NRestarts", f"{name}.service") != "0"],
        "note": out(*REDIS, "get", "power-cuts"),
        "kernel": out("journalctl", "-b", "-k", "-q", "--no-pager", "-o", "cat", "-g", KERNEL).splitlines(),
        "library": library(),
        "redis": redis(),
        "cloud": {name: cloud.get(name) for name in ("status", "errors")},
        "kept": pathlib.Path("/var/lib/cloud/instance/soniquebay-kept").exists(),
        "hostname": out("hostname"),
        "homes": {path.name: path.owner() for path in pathlib.Path("/home").iterdir()},
        "host_key": key.stdout.strip() or key.stderr.strip(),
        "machine_id": pathlib.Path("/etc/machine-id").read_text().strip(),
        "password": (SECRETS / "flower-password").read_text().strip(),
        "empty": out("find", "/etc", "-xdev", "-type", "f", "-empty").splitlines(),
        "unfinished": [str(path) for folder in (SECRETS, pathlib.Path("/etc/ssh")) for path in folder.glob("*.new*")],
    }
    print(json.dumps(facts))


main()
