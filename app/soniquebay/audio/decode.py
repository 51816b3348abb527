"""Decoding of audio files to samples, with FFmpeg's libraries (PyAV)."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase

import av
import numpy as np
from numpy.typing import NDArray

from soniquebay.audio.frames import decoded_frames
from soniquebay.audio.reading.demuxed import open_demuxed
from soniquebay.audio.sound_view import without_metadata

SAMPLE_RATE_HZ = 44100  # half of it would lose cymbals, hiss and the sound of a room
SEGMENT_SECONDS = 6.0
SEGMENT_COUNT = 5
MAX_WHOLE_FILE_SECONDS = 1.2 * SEGMENT_SECONDS * SEGMENT_COUNT  # a file up to this length is decoded whole
TIMEOUT_REASON = "it took too long to read: its drive may be slow, or may not respond"

_MIN_SEGMENT_SAMPLES = SAMPLE_RATE_HZ // 10
_MAX_DISCARDED_SECONDS = 30.0  # a seek that landed too early is made up for by decoding at most this much
_MAX_AMPLITUDE = 8.0
_DAMAGED = "the file is damaged"
_ERROR_WITHOUT_TEXT = "Error number"  # how FFmpeg's message begins for an error that it cannot describe

Samples = NDArray[np.float32]  # (2, samples): left and right, nominally in [-1, 1]
PlacedSamples = tuple[float, Samples]


class UndecodableAudioError(Exception):
    """No samples come out of a file. The text is the reason that people see."""


class UnavailableAudioError(UndecodableAudioError):
    """A file cannot be read at present, for example because its drive was unplugged. Another time it may be."""


def decode_segments(path: str | RawIOBase, start: float = 0.0, seconds: float | None = None) -> list[Samples]:
    """Return the samples of `decode_placed_segments`."""
    return [samples for _, samples in decode_placed_segments(path, start, seconds)]


def decode_placed_segments(
    path: str | RawIOBase, start: float = 0.0, seconds: float | None = None
) -> list[PlacedSamples]:
    """Return the stereo samples of a file at `SAMPLE_RATE_HZ`, in one or several segments.

    Beside each stands where it begins, in seconds after `start`: as exact as seeking in the format is.

    `start` and `seconds` are a range of the file; without `seconds` it goes to the end. All that follows is true of the
    range as of a file.

    A file longer than `MAX_WHOLE_FILE_SECONDS` gives `SEGMENT_COUNT` arrays of `SEGMENT_SECONDS`, spread evenly over
    it: enough to tell how it sounds, at a fraction of the cost. A shorter file gives one array. Each array is float32
    of shape (2, samples), holds finite values in [-8, 8], and lasts at least 0.1 s; a segment that is shorter is left
    out, and a file that is shorter is followed by silence.

    Raises `UndecodableAudioError` when the file gives no samples, and `UnavailableAudioError` when it cannot be read.
    """
    with faults_explained():
        with opened(path) as container:
            if not container.streams.audio:
                raise UndecodableAudioError("it has no audio stream")
            duration = (container.duration or 0) / av.time_base - start if seconds is None else seconds
            if duration > MAX_WHOLE_FILE_SECONDS:
                # The segments lie in the middle of equal parts, so they miss a silent beginning and a fade-out.
                offsets = [duration * (i + 0.5) / SEGMENT_COUNT - SEGMENT_SECONDS / 2 for i in range(SEGMENT_COUNT)]
                segments = [(offset, _decode_segment(container, start + offset, SEGMENT_SECONDS)) for offset in offsets]
                if sum(s.shape[1] for _, s in segments) >= 0.5 * SEGMENT_SECONDS * SEGMENT_COUNT * SAMPLE_RATE_HZ:
                    return _usable(segments)
        # The file is short, or its stated duration or its index is wrong: decode it from the beginning.
        with opened(path) as container:
            most = MAX_WHOLE_FILE_SECONDS if seconds is None else min(seconds, MAX_WHOLE_FILE_SECONDS)
            return _usable([(0.0, _decode_segment(container, start, most))])


@contextmanager
def faults_explained() -> Iterator[None]:
    """Raise `UndecodableAudioError`, or `UnavailableAudioError`, for what FFmpeg and the system raise in the body."""
    try:
        yield
    except av.error.InterruptedError as error:
        # The signal of the task's time limit interrupts a read that waits; FFmpeg reports that as an error.
        raise UnavailableAudioError(TIMEOUT_REASON) from error
    except OSError as error:
        raise UnavailableAudioError(f"cannot be read: {error.strerror or error}") from error
    except (av.FFmpegError, ValueError, OverflowError) as error:
        text = str(getattr(error, "strerror", None) or _DAMAGED)
        raise UndecodableAudioError(
            f"cannot be decoded: {_DAMAGED if _ERROR_WITHOUT_TEXT in text else text}"
        ) from error


def opened(path: str | RawIOBase) -> av.container.InputContainer:
    """Open the audio file at a path (Python's file-system string), around tags that FFmpeg stumbles over.

    Raises ``av.FFmpegError`` and ``OSError``.
    """
    try:
        return open_demuxed(path)
    except av.error.InvalidDataError:
        view = without_metadata(path) if isinstance(path, str) else None  # FFmpeg does not read past every tag
        if view is None:
            raise
        return open_demuxed(view)


def _decode_segment(container: av.container.InputContainer, start: float, seconds: float) -> Samples:
    """Return at most `seconds` of samples from `start` (seconds) on; fewer where the file ends earlier."""
    stream = container.streams.audio[0]
    if start > 0:
        try:
            container.seek(int(start * av.time_base))
        except av.FFmpegError:
            return np.zeros((2, 0), np.float32)  # the file is shorter than it states
    wanted = int(seconds * SAMPLE_RATE_HZ)
    parts: list[Samples] = []
    count = 0
    for samples in _resampled_frames(container, stream, start):
        parts.append(samples)
        count += samples.shape[1]
        if count >= wanted:
            break
    return np.concatenate(parts, axis=1)[:, :wanted] if parts else np.zeros((2, 0), np.float32)


def _resampled_frames(
    container: av.container.InputContainer, stream: av.AudioStream, start: float
) -> Iterator[Samples]:
    resampler = _make_resampler()
    discarded = 0.0
    for frame in decoded_frames(container, stream):
        seconds = frame.samples / max(frame.sample_rate, 1)
        is_early = start > 0 and frame.time is not None and frame.time + seconds < start
        if is_early and discarded < _MAX_DISCARDED_SECONDS:
            discarded += seconds  # a seek lands on an earlier key frame
            continue
        try:
            resampled = resampler.resample(frame)
        except ValueError:
            # The stream has changed its sample rate or its channels, for which the resampler was made.
            resampler = _make_resampler()
            resampled = resampler.resample(frame)
        for out in resampled:
            yield np.asarray(out.to_ndarray(), np.float32)
    for out in resampler.resample(None):
        yield np.asarray(out.to_ndarray(), np.float32)


def _make_resampler() -> av.AudioResampler:
    return av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE_HZ)


def _usable(segments: list[PlacedSamples]) -> list[PlacedSamples]:
    start, longest = max(segments, key=lambda segment: segment[1].shape[1])
    if not longest.shape[1]:
        raise UndecodableAudioError("no samples could be decoded")
    long_enough = [(at, s) for at, s in segments if s.shape[1] >= _MIN_SEGMENT_SAMPLES]
    if not long_enough:
        # A click is a sound, too.
        long_enough = [(start, np.pad(longest, ((0, 0), (0, _MIN_SEGMENT_SAMPLES - longest.shape[1]))))]
    # A float format can hold NaN, infinity, and values that overflow when they are squared.
    return [
        (at, np.clip(np.nan_to_num(s, nan=0.0, posinf=0.0, neginf=0.0), -_MAX_AMPLITUDE, _MAX_AMPLITUDE))
        for at, s in long_enough
    ]
