"""All metrics together, in Prometheus' text format."""

from collections.abc import Iterator

from prometheus_client import Metric, ProcessCollector, generate_latest
from prometheus_client.core import InfoMetricFamily
from prometheus_client.registry import Collector

from soniquebay import __version__
from soniquebay.api.metrics import answers, library, remote, work
from soniquebay.api.metrics.families import gauge, gauges
from soniquebay.api.metrics.machine import MachineMetrics
from soniquebay.api.metrics.sources import Sources


class Exposition(Collector):
    """What the parts of the appliance tell. One that does not answer has no figures, and `soniquebay_part_up` 0."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._library = library.LibraryFigures(sources.database, sources.settings.measured_tracks)
        self._machine = MachineMetrics(sources.settings)
        self._process = ProcessCollector(registry=None)

    def text(self) -> bytes:
        """Return the metrics as they are now. Not safe from several threads."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        figures, told = self._library.now(), work.ask(self._sources.dispatcher)
        yield InfoMetricFamily("soniquebay_build", "The version that runs", {"version": __version__})
        is_usable = figures is not None and not self._sources.storage.faults()
        parts = {"database": is_usable, "redis": told is not None, "worker": bool(told and told.workers)}
        yield gauges("soniquebay_part_up", "1 while the part answers, or reports", "part", parts)
        yield from library.collect(figures)
        yield from work.collect(told)
        yield from remote.collect(self._sources.remote_figures)
        yield from self._machine.collect()
        yield gauge(
            "soniquebay_certificate_expiry_timestamp_seconds",
            "When the owner's certificate ends (Unix time)",
            self._sources.certificate_end(),
        )
        yield from answers.collect(self._sources.counts)
        yield from self._process.collect()
