"""`vector.measure_loudness`: loudness, peak and silence of a track. The API itself sends this task."""

import logging
import os
from dataclasses import asdict

from soniquebay.library.paths import decode
from soniquebay.pipeline.decoding import DecodingTask, Result, loading, result_or_reason
from soniquebay.pipeline.task import stage

log = logging.getLogger(__name__)


class LoudnessTask(DecodingTask):
    """A task that stores how loud a track is, or why nobody knows."""

    work = "measurement"
    results = "loudness"


@stage("vector.measure_loudness", base=LoudnessTask)
def measure_loudness(track_id: int, path: str, start: float = 0.0, seconds: float | None = None) -> None:
    """Decode all of a track, measure how loud it is and store that through the API, or why it cannot be decoded.

    A part of a file begins at `start`, and is so many `seconds` long unless it ends with the file.
    """
    result = _measured(os.fsdecode(decode(path)), start, seconds)
    if "failure" in result:
        log.warning("the loudness of track %d is not measured: %s", track_id, result["failure"])
    LoudnessTask.store(track_id, result)


def _measured(file: str, start: float, seconds: float | None) -> Result:
    with loading():
        from soniquebay.transcoding import measuring

    return result_or_reason(file, lambda: asdict(measuring.measure_loudness(file, start, seconds)))
