"""Metrics of Prometheus with their samples. None is a value that this machine does not tell: it has no sample."""

from collections.abc import Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily


def gauge(name: str, meaning: str, value: float | None) -> GaugeMetricFamily:
    """Return a gauge without labels."""
    family = GaugeMetricFamily(name, meaning)
    if value is not None:
        family.add_metric([], value)
    return family


def gauges(name: str, meaning: str, label: str, values: Mapping[str, float | None]) -> GaugeMetricFamily:
    """Return a gauge with a sample for each value of a label."""
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for key, value in values.items():
        if value is not None:
            family.add_metric([key], value)
    return family


def counter(name: str, meaning: str, value: float | None) -> CounterMetricFamily:
    """Return a counter without labels; `name` without its ending ``_total``."""
    family = CounterMetricFamily(name, meaning)
    if value is not None:
        family.add_metric([], value)
    return family
