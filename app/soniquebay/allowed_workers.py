"""The allow list of workers: which remote workers may connect to the worker proxy.

The API writes it from its database, and the worker proxy reads it. It holds no secret: names, and the numbers of
their certificates.
"""

import json
import re
from pathlib import Path

from soniquebay.atomic_file import replace_file

FILE_NAME = "allowed-workers.json"
MAX_WORKERS = 32
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")  # of a remote worker
NAME_RULE = "a name has 1 to 32 lower-case letters, digits and hyphens, and no hyphen at its ends"

QUEUE_PREFIX = "vector@"


def queue_of(worker: str) -> str:
    """Return the queue of a remote worker."""
    return f"{QUEUE_PREFIX}{worker}"


def node_of(worker: str) -> str:
    """Return the name by which Celery knows a remote worker."""
    return f"remote@{worker}"


def write(folder: Path, workers: dict[str, str]) -> None:
    """Write the allow list: the serial number of the certificate (hexadecimal) of each worker, by its name.

    Without a worker there is no file, so that the worker proxy is not started. Raises ``OSError``.
    """
    file = folder / FILE_NAME
    if workers:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(file, json.dumps(workers).encode(), 0o644)  # the worker proxy is another user
    else:
        file.unlink(missing_ok=True)


def read(folder: Path) -> dict[str, str]:
    """Return the allow list, empty where there is none. Raises ``ValueError`` and ``OSError``."""
    try:
        found = json.loads((folder / FILE_NAME).read_bytes())
    except FileNotFoundError:
        return {}
    if not isinstance(found, dict):
        raise ValueError("the allow list is no object")
    return {name: str(serial) for name, serial in found.items() if NAME.fullmatch(name)}
