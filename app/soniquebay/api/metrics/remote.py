"""The metrics of the workers on other machines."""

import sqlite3
from collections.abc import Callable, Iterator

from prometheus_client import Metric

from soniquebay.api.metrics.families import counter, gauge
from soniquebay.api.metrics.sources import RemoteFigures


def collect(figures: Callable[[], RemoteFigures]) -> Iterator[Metric]:
    """Yield the metrics; `figures` raises ``sqlite3.Error`` while a database does not answer."""
    try:
        known = figures()
    except sqlite3.Error:
        known = None
    for name, meaning, value in (
        ("workers_joined", "Workers on other machines that have joined", known and known.joined),
        ("workers_present", "Workers on other machines that were heard of in the last minute", known and known.present),
        ("workers_suspended", "Workers on other machines that are suspended", known and known.suspended),
        ("leases", "Tracks that are leased to workers on other machines", known and known.leases),
    ):
        yield gauge(f"soniquebay_remote_{name}", meaning, value)
    yield counter(
        "soniquebay_remote_vectors",
        "Vectors that workers on other machines have brought since the API has started",
        known and known.vectors_brought,
    )
