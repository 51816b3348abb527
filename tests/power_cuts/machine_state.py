"""Prints, as JSON, the state that a power cut could have damaged.

The test runs this script on the machine, as root, so it uses the standard library only. A command that fails makes the
script fail: its empty output must not pass for a finding of no faults.
"""

import json
import pathlib
import re
import sqlite3
import subprocess
from collections.abc import Iterable, Sequence

DATA = pathlib.Path("/var/lib/soniquebay")
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
SERVICES = ("soniquebay-api", "soniquebay-worker", "soniquebay-flower", "redis-server")
REDIS_CLI = ("redis-cli", "-s", "/run/redis/redis-server.sock")
PERSISTENCE_FIELDS = ("aof_enabled", "loading", "aof_last_write_status", "aof_last_bgrewrite_status")
# Kernel messages about a damaged file system or a failing disk. The replay of a journal is not a fault.
KERNEL_FAULT = re.compile(
    r"EXT4-fs (error|warning)|EXT4-fs .*(corrupt|bad)|FAT-fs .*(error|corrupt)|JBD2.*(error|fail)|I/O error"
)
CLOUD_INIT_STATUSES = (0, 1, 2)  # success, error, recoverable error; the report says which


def output(*command: str, statuses: Sequence[int] = (0,)) -> str:
    """Return the output of a command; raise `RuntimeError` when its exit status is not one of `statuses`."""
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode not in statuses:
        raise RuntimeError(f"{' '.join(command)} ended with {result.returncode}: {result.stdout}{result.stderr}")
    return result.stdout.strip()


def system_state() -> str:
    """Return systemd's word for the state of the system; the exit status is 0 only for "running"."""
    command = ["systemctl", "is-system-running", "--wait"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def kernel_messages() -> list[str]:
    """Return the kernel messages of this boot; raise `RuntimeError` when the journal has none.

    The script searches them itself. `journalctl -g` ends with 1 both when nothing matches and when it fails.
    """
    messages = output("journalctl", "-b", "-k", "-q", "--no-pager", "-o", "cat").splitlines()
    if not messages:
        raise RuntimeError("the journal has no kernel messages of this boot")
    return messages


def kernel_faults(messages: Iterable[str]) -> list[str]:
    """Return the messages that report a damaged file system or a failing disk."""
    return [message for message in messages if KERNEL_FAULT.search(message)]


def library_faults() -> list[str]:
    """Return the faults that SQLite finds in the library."""
    with sqlite3.connect("file:/var/lib/soniquebay/library.db?mode=ro", uri=True) as database:
        faults = [row[0] for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
        return faults + [f"foreign key: {row}" for row in database.execute("PRAGMA foreign_key_check")]


def persistence(info: str) -> dict[str, str]:
    """Return the `PERSISTENCE_FIELDS` of the output of `INFO persistence`; a missing field is empty."""
    fields = dict(line.strip().split(":", 1) for line in info.splitlines() if ":" in line)
    return {name: fields.get(name, "") for name in PERSISTENCE_FIELDS}


def host_key() -> str:
    """Return the public half of the SSH host key, or the error message when the key cannot be read."""
    command = ["ssh-keygen", "-y", "-P", "", "-f", HOST_KEY]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout if result.returncode == 0 else result.stderr).strip()


def restarts(service: str) -> str:
    """Return how often systemd has restarted a service, as text."""
    return output("systemctl", "show", "-P", "NRestarts", f"{service}.service")


def main() -> None:
    """Print the state."""
    system = system_state()  # first, as it waits until all has started
    cloud_init = json.loads(output("cloud-init", "status", "--format", "json", statuses=CLOUD_INIT_STATUSES))
    state = {
        "system": system,
        "failed_units": output("systemctl", "list-units", "--failed", "--plain", "--no-legend").splitlines(),
        "restarted_services": [name for name in SERVICES if restarts(name) != "0"],
        "redis_note": output(*REDIS_CLI, "get", "power-cuts"),
        "kernel_faults": kernel_faults(kernel_messages()),
        "library_faults": library_faults(),
        "redis": {"ping": output(*REDIS_CLI, "ping"), **persistence(output(*REDIS_CLI, "info", "persistence"))},
        "cloud_init": {name: cloud_init.get(name) for name in ("status", "errors")},
        "first_boot_is_complete": pathlib.Path("/var/lib/cloud/instance/soniquebay-kept").exists(),
        "hostname": output("hostname"),
        "homes": {path.name: path.owner() for path in pathlib.Path("/home").iterdir()},
        "host_key": host_key(),
        "machine_id": pathlib.Path("/etc/machine-id").read_text().strip(),
        "device_key": (DATA / "device.key").read_bytes().hex(),
        # a file that disappears during the search is not an error
        "empty_files": output("find", "/etc", "-ignore_readdir_race", "-xdev", "-type", "f", "-empty").splitlines(),
        "temporary_files": [
            str(path)
            for folder in (DATA, pathlib.Path("/etc/ssh"))
            for path in (*folder.glob("*.new*"), *folder.glob("*.partial"))
        ],
    }
    print(json.dumps(state))


if __name__ == "__main__":
    main()
