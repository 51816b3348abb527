"""All checks, in the order in which a person looks for a cause."""

import threading
from collections.abc import Callable, Iterator

from soniquebay.doctor import (
    access,
    broker,
    clock,
    databases,
    disks,
    hardware,
    internet,
    music,
    programs,
    release,
    remote_workers,
    watches,
)
from soniquebay.doctor.finding import Finding, may_not_look, needs_root, unknown
from soniquebay.doctor.surroundings import Surroundings

MAX_CHECK_SECONDS = 90.0  # more than a look at a large database may take

CHECKS: dict[str, Callable[[Surroundings], Iterator[Finding]]] = {
    "space": disks.space,
    "inodes": disks.inodes,
    "read-only": disks.read_only,
    "card": hardware.card_health,
    "databases": databases.databases,
    "redis": broker.broker,
    "redis-files": broker.files,
    "api": programs.api,
    "worker": programs.worker,
    "units": programs.units,
    "remote-workers": remote_workers.remote_workers,
    "model": release.model,
    "release": release.release,
    "music": music.folders,
    "drives": music.drives,
    "rights": music.rights,
    "watches": watches.watches,
    "internet": internet.services,
    "clock": clock.clock,
    "temperature": hardware.temperature,
    "slowing": hardware.slowing,
    "memory": hardware.memory,
    "certificate": access.certificate,
    "claim": access.claim,
}


def findings(around: Surroundings, seconds: float = MAX_CHECK_SECONDS) -> Iterator[tuple[str, Finding]]:
    """Make all checks; yield the name of each check and what it finds. One that fails or hangs ends no other one."""
    for name, check in CHECKS.items():
        found: list[Finding] = []
        # In a thread that nobody waits for at the end: a dead drive holds whoever reads it.
        thread = threading.Thread(target=_make, args=(name, check, around, found), daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            found.append(unknown(f"The check of {name} did not end within {seconds:.0f} s: a drive may not answer."))
        for finding in found:
            yield name, finding


def _make(
    name: str, check: Callable[[Surroundings], Iterator[Finding]], around: Surroundings, found: list[Finding]
) -> None:
    try:
        found.extend(check(around))
    except Exception as error:  # whatever is broken on this machine
        if may_not_look(error):
            found.append(needs_root(f"The check of {name} may not look as this user."))
        else:
            found.append(unknown(f"This check has failed: {type(error).__name__}: {error}"))
