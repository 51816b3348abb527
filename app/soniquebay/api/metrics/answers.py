"""The metrics of requests: the names and labels are those of the route's template, never of a path."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

from soniquebay.api.metrics.requests import BUCKET_SECONDS, RequestCounts

_BUCKETS = (*map(str, BUCKET_SECONDS), "+Inf")


def collect(counts: RequestCounts) -> Iterator[Metric]:
    """Yield the metrics."""
    answers = CounterMetricFamily(
        "soniquebay_http_requests", "Requests that were answered, by route", labels=["route", "method", "status"]
    )
    for (route, method, status), count in counts.answers().items():
        answers.add_metric([route, method, str(status)], count)
    yield answers
    durations = HistogramMetricFamily(
        "soniquebay_http_request_duration_seconds",
        "Time from the head of a request to the head of its answer",
        labels=["route", "method"],
    )
    for labels, (buckets, seconds) in counts.durations().items():
        durations.add_metric(labels, list(zip(_BUCKETS, accumulate(buckets), strict=True)), seconds)
    yield durations
