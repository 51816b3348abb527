"""The programs: the API and the worker answer, and no unit of systemd has failed."""

from collections.abc import Iterator

from soniquebay.doctor.broker import may_not_open
from soniquebay.doctor.finding import Finding, needs_root, ok, unknown, wrong
from soniquebay.doctor.surroundings import Surroundings

PING_TIMEOUT_SECONDS = 5.0


def api(around: Surroundings) -> Iterator[Finding]:
    """Check that the API answers."""
    answer = around.answer("/api/health")
    if isinstance(answer, str):
        yield wrong(
            f"The API does not answer: {answer}.",
            "sudo systemctl restart soniquebay.target; what it says: soniquebay logs api",
        )
    else:
        yield ok("The API answers.")


def worker(around: Surroundings) -> Iterator[Finding]:
    """Check that a worker answers, by Redis, so that the API need not run."""
    import redis
    from celery import Celery
    from kombu.exceptions import OperationalError

    from soniquebay.worker.config import NODES_OF_THIS_MACHINE, celery_settings

    app = Celery()
    app.config_from_object(celery_settings(around.settings))
    try:
        with app.connection_for_write() as connection:
            answered = app.control.ping(
                timeout=PING_TIMEOUT_SECONDS, limit=1, connection=connection, **NODES_OF_THIS_MACHINE
            )
    except (OperationalError, redis.RedisError, OSError) as error:
        if may_not_open(error):
            yield needs_root("The worker may not be asked by this user.")
        else:
            yield unknown("The worker cannot be asked, because Redis does not answer.")
        return
    if answered:
        yield ok("A worker answers.")
    else:
        yield wrong(
            "No worker answers, so nothing is scanned or analysed.",
            "sudo systemctl restart soniquebay-worker; what it says: soniquebay logs worker",
        )


def units(around: Surroundings) -> Iterator[Finding]:
    """Check that no unit of systemd has failed."""
    printed = around.run(["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager"])
    if printed is None:
        yield unknown("This machine has no systemd to ask.")
        return
    failed = [line.split()[0] for line in printed.splitlines() if line.strip()]
    for name in failed:
        yield wrong(
            f"The unit {name} has failed.",
            f"See why: systemctl status {name}. Start it again: sudo systemctl restart {name}",
        )
    if not failed:
        yield ok("No unit of systemd has failed.")
