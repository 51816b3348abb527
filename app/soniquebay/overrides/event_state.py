"""What the autoscaler tells in its events, as gauges among Flower's own metrics."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_GAUGES = {
    "processes": "Processes of the worker",
    "process_limit": "Processes that memory bears",
    "held": "1 while more tasks wait than memory lets the worker take",
}


class AutoscaleCollector(Collector):
    """Reads the newest `worker-autoscale` event of each worker, whose fields Celery keeps with the worker's state."""

    def __init__(self, workers: Callable[[], Mapping[str, Any]]) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        """Yield one gauge for each fact, with a sample for each worker that has told it and is alive."""
        living = {name: worker for name, worker in list(self._workers().items()) if worker.alive}
        for field, meaning in _GAUGES.items():
            gauge = GaugeMetricFamily(f"soniquebay_worker_{field}", meaning, labels=["worker"])
            for name, worker in living.items():
                if (value := getattr(worker, field, None)) is not None:
                    gauge.add_metric([name], float(value))
            yield gauge
