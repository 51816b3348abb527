"""The autoscaler's figures as gauges among Flower's own metrics.

Relies on: ``celery.events.state.Worker`` keeps every field of a worker's events as an attribute, the ones of an event
that Celery does not know included. That is not documented.
Upstream: https://docs.celeryq.dev/en/stable/userguide/monitoring.html describes custom events, but not their state.
Remove when: Flower has a documented way to show a worker's own figures.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

EVENT = "worker-autoscale"
_GAUGES = {
    "processes": "Child processes of the worker",
    "process_limit": "Child processes that the memory allows",
    "memory_limited": "1 while more tasks wait than the memory lets the worker take",
}


class AutoscaleCollector(Collector):
    """Reads the newest autoscale event of each worker."""

    def __init__(self, workers: Callable[[], Mapping[str, Any]]) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        """Yield one gauge a figure, with a sample for each living worker that has reported it."""
        living = {name: worker for name, worker in list(self._workers().items()) if worker.alive}
        for field, meaning in _GAUGES.items():
            gauge = GaugeMetricFamily(f"soniquebay_worker_{field}", meaning, labels=["worker"])
            for name, worker in living.items():
                if (value := getattr(worker, field, None)) is not None:
                    gauge.add_metric([name], float(value))
            yield gauge
