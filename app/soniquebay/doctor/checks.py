"""All checks, in the order in which a person looks for a cause."""

from collections.abc import Callable, Iterator

from soniquebay.doctor import access, broker, clock, databases, disks, hardware, internet, music, programs, watches
from soniquebay.doctor.finding import Finding, unknown
from soniquebay.doctor.surroundings import Surroundings

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


def findings(around: Surroundings) -> Iterator[tuple[str, Finding]]:
    """Make all checks; yield the name of each check and what it finds. A check that fails ends no other one."""
    for name, check in CHECKS.items():
        try:
            for finding in check(around):
                yield name, finding
        except Exception as error:  # whatever is broken on this machine
            yield name, unknown(f"This check has failed: {type(error).__name__}: {error}")
