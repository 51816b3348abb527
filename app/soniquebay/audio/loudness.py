"""How loud sound is (EBU R 128), its peak, and the silence at its ends."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

SAMPLE_FORMAT = "dbl"  # that of the filter: with another one FFmpeg would convert each frame once more
MAX_SAMPLE_RATE_HZ = 48_000  # the weighting hardly counts what is higher, and a rate twice as high costs twice as much
SILENCE_LEVEL = 0.001  # of full scale, -60 dB: nothing quieter is heard beside music
ABSOLUTE_GATE_LUFS = -70.0  # ITU-R BS.1770-4: what is quieter does not count
_INTEGRATED = "lavfi.r128.I"  # FFmpeg's name of the loudness of all so far


@dataclass(frozen=True, slots=True)
class Loudness:
    """What was measured of a track."""

    integrated_lufs: float | None
    """None without sound above the gate: silence, or less than 0.4 s."""
    sample_peak: float
    """The largest absolute sample; 1 is full scale. Between the samples the sound may be louder."""
    silence_start_seconds: float
    """How long no sample exceeds `SILENCE_LEVEL` at the beginning; all of a track in which none does."""
    silence_end_seconds: float
    """The same at the end; 0 for a track in which no sample does."""


class Meter:
    """Measures frames of sound, which come in the order of time and have one form.

    FFmpeg's filter `ebur128` measures the loudness, with the weighting and the gates of ITU-R BS.1770-4. One channel
    counts as two: it is heard from both loudspeakers.
    """

    def __init__(self, sample_rate: int, layout: str) -> None:
        """Make a meter of frames in `SAMPLE_FORMAT` at a rate in Hz; `layout` is FFmpeg's name of the channels."""
        graph = Graph()
        graph.threads = 1
        source = graph.add_abuffer(
            sample_rate=sample_rate, format=SAMPLE_FORMAT, layout=layout, time_base=Fraction(1, sample_rate)
        )
        # With the metadata come pieces of 0.1 s, of which each has the loudness up to its end. What is left is shorter
        # and has none.
        meter = graph.add("ebur128", "metadata=1:dualmono=1")
        graph.link_nodes(source, meter, graph.add("abuffersink")).configure()
        self._graph = graph
        self._sample_rate = sample_rate
        self._channels = av.AudioLayout(layout).nb_channels
        self._piece_samples = sample_rate // 10
        self._count = 0  # samples of each channel
        self._peak = 0.0
        self._first_sound: int | None = None
        self._last_sound = (0, np.zeros(0))  # the position of the last piece with sound, and its samples
        self._last_whole_piece: av.AudioFrame | None = None

    def add(self, frame: av.AudioFrame) -> None:
        """Measure one more frame."""
        self._graph.push(frame)
        self._measure_pieces()

    def result(self) -> Loudness:
        """Return what was measured of all frames. No further frame may be added."""
        self._graph.push(None)
        self._measure_pieces()
        start, end = self._count, self._count
        if self._first_sound is not None:
            position, samples = self._last_sound
            start = self._first_sound
            end = position + int(np.flatnonzero(samples > SILENCE_LEVEL)[-1]) // self._channels + 1
        return Loudness(
            integrated_lufs=self._integrated(),
            sample_peak=self._peak,
            silence_start_seconds=round(start / self._sample_rate, 3),
            silence_end_seconds=round((self._count - end) / self._sample_rate, 3),
        )

    def _integrated(self) -> float | None:
        if self._last_whole_piece is None:
            return None
        lufs = float(self._last_whole_piece.metadata[_INTEGRATED])
        return lufs if math.isfinite(lufs) and lufs > ABSOLUTE_GATE_LUFS else None

    def _measure_pieces(self) -> None:
        for piece in self._pieces():
            samples = np.abs(piece.to_ndarray().ravel())
            peak = float(samples.max())
            # A float format can hold infinity, and NaN, which is not larger than anything.
            if peak > self._peak and math.isfinite(peak):
                self._peak = peak
            if peak > SILENCE_LEVEL:
                if self._first_sound is None:
                    self._first_sound = self._count + int(np.argmax(samples > SILENCE_LEVEL)) // self._channels
                self._last_sound = (self._count, samples)
            self._count += piece.samples
            if piece.samples == self._piece_samples:
                self._last_whole_piece = piece

    def _pieces(self) -> Iterator[av.AudioFrame]:
        while True:
            try:
                piece = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(piece, av.AudioFrame)  # noqa: S101 - the filter makes no video
            if piece.samples:
                yield piece
