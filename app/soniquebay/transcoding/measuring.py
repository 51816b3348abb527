"""The loudness of a file, or of a range of it: all of it is decoded, in the order of time."""

from fractions import Fraction

from soniquebay.audio.decode import UndecodableAudioError, faults_explained, opened
from soniquebay.audio.loudness import MAX_SAMPLE_RATE_HZ, SAMPLE_FORMAT, Loudness, Meter
from soniquebay.transcoding.errors import UndecodableSoundError
from soniquebay.transcoding.formats import Job
from soniquebay.transcoding.sample_format import SampleFormat, convert
from soniquebay.transcoding.source import Source

MAX_MEASURED_SECONDS = 3 * 3600.0  # what is longer is no music, and would take minutes


def measure_loudness(path: str, start: float = 0.0, seconds: float | None = None) -> Loudness:
    """Return how loud an audio file is, or a range of it in seconds; tags play no part.

    `path` is Python's file-system string. Without `seconds` the range goes to the end of the file. Raises
    `decode.UndecodableAudioError` when no samples come out of the file, or it is longer than `MAX_MEASURED_SECONDS`,
    and its subclass `decode.UnavailableAudioError` when the file cannot be read.
    """
    try:
        with faults_explained(), opened(path) as container:
            source = Source(container)
            length = seconds if seconds is not None else float(source.seconds or 0) - start
            if length > MAX_MEASURED_SECONDS:
                raise UndecodableAudioError(f"it is longer than {MAX_MEASURED_SECONDS / 3600:.0f} hours")
            return _measured(source, start, seconds)
    except UndecodableSoundError as error:
        raise UndecodableAudioError(str(error)) from error


def _measured(source: Source, start: float, seconds: float | None) -> Loudness:
    rate = source.sample_rate
    while rate > MAX_SAMPLE_RATE_HZ:
        rate //= 2
    meter = Meter(rate, source.layout)
    stretch = Job(format="flac", start_seconds=start, seconds=seconds)  # nothing is encoded
    is_empty = True
    for frame in convert(source.frames(Fraction(start)), stretch, SampleFormat(rate, SAMPLE_FORMAT, source.layout)):
        meter.add(frame)
        is_empty = False
    if is_empty:
        raise UndecodableAudioError("it ends before its beginning")
    return meter.result()
