"""Samples of an audio file, by FFmpeg's libraries (PyAV)."""

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray

RATE = 22050  # Hz
SEGMENT = 15.0  # seconds
SEGMENTS = 3
Samples = NDArray[np.float32]


class UndecodableAudioError(Exception):
    """No samples come out of the file; its text is the reason shown to people."""


def decode_segments(path: str) -> list[Samples]:
    """Decode mono samples in [-1, 1] at `RATE`.

    A long file gives `SEGMENTS` arrays of `SEGMENT` seconds spread over it, which is enough to know how it sounds at a
    fraction of the cost; a short one is decoded whole, as one array. Raises `UndecodableAudioError`.
    """
    try:
        with av.open(path, metadata_errors="replace") as container:
            if not container.streams.audio:
                raise UndecodableAudioError("no audio stream in it")
            length = (container.duration or 0) / av.time_base
            if length <= SEGMENT * SEGMENTS * 1.2:
                whole = _decode(container, 0.0, SEGMENT * SEGMENTS * 1.2)
                return _checked([whole])
            # Centres of equal parts: no lead-in silence, no fade-out.
            starts = [length * (i + 0.5) / SEGMENTS - SEGMENT / 2 for i in range(SEGMENTS)]
            return _checked([_decode(container, start, SEGMENT) for start in starts])
    except av.FFmpegError as error:
        raise UndecodableAudioError(f"cannot be decoded: {error.strerror or error}") from error


def _decode(container: av.container.InputContainer, start: float, seconds: float) -> Samples:
    stream = container.streams.audio[0]
    if start > 0:
        container.seek(int(start * av.time_base))
    wanted = int(seconds * RATE)
    parts: list[Samples] = []
    count = 0
    for samples in _resampled(container, stream, start):
        parts.append(samples)
        count += samples.size
        if count >= wanted:
            break
    return np.concatenate(parts)[:wanted] if parts else np.zeros(0, np.float32)


def _resampled(container: av.container.InputContainer, stream: av.AudioStream, start: float) -> Iterator[Samples]:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue  # a damaged packet costs its own few milliseconds
        for frame in frames:
            if start > 0 and frame.time is not None and frame.time < start - 0.5:
                continue  # a seek lands on an earlier key frame
            for out in resampler.resample(frame):
                yield out.to_ndarray().reshape(-1).astype(np.float32, copy=False)


def _checked(segments: list[Samples]) -> list[Samples]:
    usable = [s for s in segments if s.size >= RATE // 10]
    if not usable:
        raise UndecodableAudioError("no samples could be decoded")
    return usable
