"""The frames of sound in a file, from a position on, each with its exact position."""

from collections.abc import Iterator
from fractions import Fraction

import av
from av.container import InputContainer

from soniquebay.audio.frames import decoded_frames
from soniquebay.transcoding.errors import UndecodableSoundError

_PREROLL_SECONDS = 1.0  # decoders need some packets before the wanted one: an MP3 frame uses bits of those before it
_LOSSLESS_BUT_FLOAT = "dsd"  # FFmpeg counts DSD as lossy, because it makes samples of it


class Source:
    """The first audio stream of an open file."""

    def __init__(self, container: InputContainer) -> None:
        """Find it. Raises `UndecodableSoundError` when there is none."""
        self._container = container
        if not self._container.streams.audio:
            raise UndecodableSoundError("it has no audio stream")
        self._stream = self._container.streams.audio[0]
        self._stream.codec_context.thread_count = 1  # the listeners share the processors
        if not self._stream.sample_rate or not self._stream.channels:
            raise UndecodableSoundError("it does not say how it is sampled")

    @property
    def sample_rate(self) -> int:
        """Hz, as the file states it."""
        return self._stream.sample_rate

    @property
    def channels(self) -> int:
        """How many channels the file states."""
        return self._stream.channels

    @property
    def layout(self) -> str:
        """FFmpeg's name of the channels."""
        return self._stream.layout.name

    @property
    def is_lossless(self) -> bool:
        """Whether the codec keeps all samples."""
        codec = self._stream.codec_context.codec
        return codec.lossless or codec.name.startswith(_LOSSLESS_BUT_FLOAT)

    @property
    def is_dsd(self) -> bool:
        """Whether the samples are made of single bits; above 40 kHz they hold mostly noise."""
        return self._stream.codec_context.codec.name.startswith("dsd")

    @property
    def has_large_samples(self) -> bool:
        """Whether samples have more than 16 bits."""
        return self._stream.format.bytes > 2

    @property
    def seconds(self) -> Fraction | None:
        """How long the sound is, as the file states it; None if it does not."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return self._stream.duration * self._stream.time_base
        return Fraction(self._container.duration, av.time_base) if self._container.duration else None

    def frames(self, start: Fraction) -> Iterator[av.AudioFrame]:
        """Yield the frames from shortly before `start` (seconds) on. Their ``pts`` counts samples from the beginning.

        Damaged packets are left out. Raises `UndecodableSoundError` when no frame could be decoded at all.
        """
        found = False
        for frame in self._numbered(start):
            found = True
            yield frame
        if not found:
            raise UndecodableSoundError("no samples could be decoded")

    def _numbered(self, start: Fraction) -> Iterator[av.AudioFrame]:
        decoded = decoded_frames(self._container, self._stream)
        position = Fraction(0)  # seconds
        if start > _PREROLL_SECONDS:
            landed, first = self._seek(start)
            if landed is None:
                self._container.seek(0)
            elif first is not None:
                position = landed
                yield _placed(first, position)
                position += Fraction(first.samples, first.sample_rate)
            decoded = decoded_frames(self._container, self._stream)
        for frame in decoded:
            if frame.samples:
                yield _placed(frame, position)
                position += Fraction(frame.samples, frame.sample_rate)

    def _seek(self, start: Fraction) -> tuple[Fraction | None, av.AudioFrame | None]:
        """Go to a position before `start`; return that of the first frame there, and the frame.

        The position is None where it is not known, or lies behind `start`.
        """
        beginning = self._stream.start_time or 0
        try:
            self._container.seek(int((start - Fraction(_PREROLL_SECONDS)) * av.time_base))
            first = next((frame for frame in decoded_frames(self._container, self._stream) if frame.samples), None)
        except av.FFmpegError:
            return None, None
        if first is None or first.pts is None or first.time_base is None or self._stream.time_base is None:
            return None, None
        landed = first.pts * first.time_base - beginning * self._stream.time_base
        return (landed, first) if 0 <= landed <= start else (None, None)


def _placed(frame: av.AudioFrame, position: Fraction) -> av.AudioFrame:
    frame.time_base = Fraction(1, frame.sample_rate)
    frame.pts = round(position * frame.sample_rate)
    return frame
