"""The form that an encoder needs the samples in, and the filters that bring them into it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.filter import Graph
from av.filter.context import FilterContext

from soniquebay.transcoding.formats import Format, Job
from soniquebay.transcoding.source import Source

_OPUS_RATE_HZ = 48_000
_LOSSY_RATES_HZ = (32_000, 44_100, 48_000)
_MAX_FLAC_RATE_HZ = 192_000  # browsers play no more, and nobody hears it
_MAX_DSD_RATE_HZ = 96_000
_FLAC_LAYOUTS = {3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}  # RFC 9639, section 9.1.3


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """Sample rate (Hz), and FFmpeg's names of the sample format and of the channels."""

    sample_rate: int
    name: str
    layout: str


def sample_format_for(format: Format, source: Source) -> SampleFormat:
    """Return the form of the samples of a source in a format, as near to the source as the format allows."""
    few = "mono" if source.channels == 1 else "stereo"
    if format == "flac":
        rate = source.sample_rate
        while rate > (_MAX_DSD_RATE_HZ if source.is_dsd else _MAX_FLAC_RATE_HZ):
            rate //= 2
        layout = few if source.channels <= 2 else _FLAC_LAYOUTS.get(source.channels, "stereo")
        return SampleFormat(rate, "s32" if source.is_lossless and source.has_large_samples else "s16", layout)
    if format == "opus":
        return SampleFormat(_OPUS_RATE_HZ, "flt", few)
    if source.sample_rate in _LOSSY_RATES_HZ:
        rate = source.sample_rate
    else:
        rate = 44_100 if source.sample_rate % 11_025 == 0 else 48_000
    return SampleFormat(rate, "s16p" if format == "mp3" else "fltp", few)


def convert(frames: Iterable[av.AudioFrame], job: Job, sample_format: SampleFormat) -> Iterator[av.AudioFrame]:
    """Yield the wanted stretch of the frames of a source in a form, at the gain of a job.

    The frames count their samples from the beginning of the file, and so do the results from that of the stretch.
    """
    start = Fraction(job.start_seconds)
    end = None if job.seconds is None else start + Fraction(job.seconds)
    filters: _Filters | None = None
    done = 0
    for frame in frames:
        if end is not None and (frame.pts or 0) >= end * frame.sample_rate:
            break
        if filters is None or not filters.suit(frame):
            if filters is not None:  # the stream has changed its sample rate or its channels
                for out in filters.rest():
                    yield _numbered(out, done, sample_format)
                    done += out.samples
            filters = _Filters(frame, job.gain_db, start, end, sample_format)
        for out in filters.of(frame):
            yield _numbered(out, done, sample_format)
            done += out.samples
    if filters is not None:
        for out in filters.rest():
            yield _numbered(out, done, sample_format)
            done += out.samples


def _numbered(frame: av.AudioFrame, position: int, sample_format: SampleFormat) -> av.AudioFrame:
    frame.time_base = Fraction(1, sample_format.sample_rate)
    frame.pts = position
    return frame


class _Filters:
    """A chain of FFmpeg's filters for frames of one form."""

    def __init__(
        self, frame: av.AudioFrame, gain_db: float, start: Fraction, end: Fraction | None, to: SampleFormat
    ) -> None:
        self._form = _form(frame)
        rate = frame.sample_rate
        graph = Graph()
        graph.threads = 1
        cut = f"start_pts={round(start * rate)}" + ("" if end is None else f":end_pts={round(end * rate)}")
        resample = (
            # Full scale stays full scale when channels are mixed. What is cut to 16 bits gets noise for the rest.
            f"osr={to.sample_rate}:osf={to.name}:ochl={to.layout}:rematrix_maxval=1.0:dither_method=triangular"
        )
        chain: list[FilterContext] = [
            graph.add_abuffer(
                sample_rate=rate, format=frame.format.name, layout=frame.layout.name, time_base=Fraction(1, rate)
            ),
            graph.add("atrim", cut),
        ]
        if gain_db:
            chain.append(graph.add("volume", f"volume={gain_db:.2f}dB:precision=float"))
        chain += [graph.add("aresample", resample), graph.add("abuffersink")]
        graph.link_nodes(*chain).configure()
        self._graph = graph

    def suit(self, frame: av.AudioFrame) -> bool:
        """Tell whether a frame has the form that the chain was made for."""
        return _form(frame) == self._form

    def of(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """Yield what comes out for a frame."""
        self._graph.push(frame)
        yield from self._pull()

    def rest(self) -> Iterator[av.AudioFrame]:
        """Yield what is left in the filters."""
        self._graph.push(None)
        yield from self._pull()

    def _pull(self) -> Iterator[av.AudioFrame]:
        while True:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(frame, av.AudioFrame)  # noqa: S101 - the chain has no video
            yield frame


def _form(frame: av.AudioFrame) -> tuple[int, str, str]:
    return frame.sample_rate, frame.format.name, frame.layout.name
