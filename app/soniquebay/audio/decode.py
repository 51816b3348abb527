"""Samples of an audio file, by FFmpeg's libraries (PyAV)."""

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray

RATE = 44100  # Hz; cymbals, hiss and the air of a room lie above what half of it holds
SEGMENT = 6.0  # seconds
SEGMENTS = 5
WHOLE = 1.2 * SEGMENT * SEGMENTS  # seconds; a shorter file is decoded as it is
_SKIPPED = 30.0  # seconds that are decoded in vain after a seek that went wrong, before what comes is taken
_NUMBER = "Error number"
_LEAST = 0.1  # seconds
TOO_LONG = "it took too long to read: is its disk slow, or does it hang?"
Samples = NDArray[np.float32]  # (2, samples): left and right, in [-1, 1]


class UndecodableAudioError(Exception):
    """No samples come out of the file; its text is the reason shown to people."""


class UnreachableAudioError(UndecodableAudioError):
    """Not the file is to blame, but that it cannot be read: its drive is gone, or may be."""


def decode_segments(path: str) -> list[Samples]:
    """Decode stereo samples at `RATE`.

    A long file gives `SEGMENTS` arrays of `SEGMENT` seconds spread over it, which is enough to know how it sounds at a
    fraction of the cost; a short one is decoded whole, as one array. Raises `UndecodableAudioError`, and
    `UnreachableAudioError` where another time may bring more.
    """
    try:
        with av.open(path, metadata_errors="replace") as container:
            if not container.streams.audio:
                raise UndecodableAudioError("no audio stream in it")
            length = (container.duration or 0) / av.time_base
            if length > WHOLE:
                # Centres of equal parts: no lead-in silence, no fade-out.
                starts = [length * (i + 0.5) / SEGMENTS - SEGMENT / 2 for i in range(SEGMENTS)]
                segments = [_decode(container, start, SEGMENT) for start in starts]
                if sum(s.shape[1] for s in segments) >= 0.5 * SEGMENT * SEGMENTS * RATE:
                    return _checked(segments)
        # Short, or its length or its index is not what it says: from the beginning, in one go.
        with av.open(path, metadata_errors="replace") as container:
            return _checked([_decode(container, 0.0, WHOLE)])
    except av.error.InterruptedError as error:
        # What ends a read that waits is the signal of the task's time limit, and the libraries take it for an error.
        raise UnreachableAudioError(TOO_LONG) from error
    except OSError as error:
        raise UnreachableAudioError(f"cannot be read: {error.strerror or error}") from error
    except (av.FFmpegError, ValueError, OverflowError) as error:
        text = str(getattr(error, "strerror", None) or "it is damaged")
        # FFmpeg has no words for some of its errors.
        raise UndecodableAudioError(f"cannot be decoded: {'it is damaged' if _NUMBER in text else text}") from error


def _decode(container: av.container.InputContainer, start: float, seconds: float) -> Samples:
    stream = container.streams.audio[0]
    if start > 0:
        try:
            container.seek(int(start * av.time_base))
        except av.FFmpegError:
            return np.zeros((2, 0), np.float32)  # beyond the end of a file that is shorter than it says
    wanted = int(seconds * RATE)
    parts: list[Samples] = []
    count = 0
    for samples in _resampled(container, stream, start):
        parts.append(samples)
        count += samples.shape[1]
        if count >= wanted:
            break
    return np.concatenate(parts, axis=1)[:, :wanted] if parts else np.zeros((2, 0), np.float32)


def _resampled(container: av.container.InputContainer, stream: av.AudioStream, start: float) -> Iterator[Samples]:
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
    skipped = 0.0
    for frame in _frames(container, stream):
        seconds = frame.samples / max(frame.sample_rate, 1)
        early = start > 0 and frame.time is not None and frame.time + seconds < start
        if early and skipped < _SKIPPED:
            skipped += seconds  # a seek lands on an earlier key frame
            continue
        try:
            resampled = resampler.resample(frame)
        except ValueError:
            # The stream changes its rate or its channels: the resampler was made for what it had before.
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
            resampled = resampler.resample(frame)
        for out in resampled:
            yield np.asarray(out.to_ndarray(), np.float32)
    for out in resampler.resample(None):
        yield np.asarray(out.to_ndarray(), np.float32)


def _frames(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[av.AudioFrame]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.InvalidDataError:
            return  # damaged beyond finding the next packet: what came before is the music
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue  # a damaged packet costs its own few milliseconds
        yield from frames


def _checked(segments: list[Samples]) -> list[Samples]:
    usable = [s for s in segments if s.shape[1] >= _LEAST * RATE]
    if not usable:
        raise UndecodableAudioError("no samples could be decoded")
    # Float formats may hold anything: NaN, infinity, and values that overflow when squared.
    return [np.clip(np.nan_to_num(s, nan=0.0, posinf=0.0, neginf=0.0), -8.0, 8.0) for s in usable]
