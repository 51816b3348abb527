"""`vector.measure_loudness`: loudness, peak and silence of a track. The API itself sends this task."""

import logging
import os
from dataclasses import asdict
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from soniquebay.library.paths import decode, path_exists
from soniquebay.overrides.memory_recycling import replace_this_process
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import RECORD_FAILURE_MAX_WAIT_SECONDS, StageTask, describe_error, stage

log = logging.getLogger(__name__)

_STORE_MAX_WAIT_SECONDS = 15.0  # counts towards the time limit; after it the ledger has the task sent again


class LoudnessTask(StageTask):
    """A task that stores a reason in place of the loudness if its process keeps dying, or it runs out of time."""

    # In seconds, as those of the analysis: the queue feeder takes a task for lost that takes longer.
    soft_time_limit = 300
    time_limit = 330

    @staticmethod
    def record_failure(error: BaseException, arguments: dict[str, Any]) -> None:
        """Store why nothing was measured; a task that ran out of time is retried later."""
        timed_out = isinstance(error, SoftTimeLimitExceeded | TimeLimitExceeded)
        failure = "its measurement took too long" if timed_out else describe_error(error)
        body = {"failure": failure, "retry_later": timed_out}
        library_api.put(f"/internal/loudness/{arguments['track_id']}", body, RECORD_FAILURE_MAX_WAIT_SECONDS)


@stage("vector.measure_loudness", base=LoudnessTask)
def measure_loudness(track_id: int, path: str, start: float = 0.0, seconds: float | None = None) -> None:
    """Decode all of a track, measure how loud it is and store that through the API, or why it cannot be decoded.

    A part of a file begins at `start`, and is so many `seconds` long unless it ends with the file.
    """
    result = _measured(os.fsdecode(decode(path)), start, seconds)
    if "failure" in result:
        log.warning("the loudness of track %d is not measured: %s", track_id, result["failure"])
    library_api.put(f"/internal/loudness/{track_id}", result, _STORE_MAX_WAIT_SECONDS)


def _measured(file: str, start: float, seconds: float | None) -> dict[str, object]:
    # Imported here: the parent process then forks without the memory of the decoder and numpy.
    try:
        from soniquebay.audio.decode import TIMEOUT_REASON, UnavailableAudioError, UndecodableAudioError
        from soniquebay.transcoding import measuring
    except SoftTimeLimitExceeded:
        replace_this_process()  # a partially loaded library cannot be loaded again
        raise

    try:
        return asdict(measuring.measure_loudness(file, start, seconds))
    except UndecodableAudioError as error:
        # A drive that was unplugged during the read can also look like a damaged file.
        retry_later = isinstance(error, UnavailableAudioError) or not path_exists(file)
        return {"failure": str(error), "retry_later": retry_later}
    except SoftTimeLimitExceeded:
        return {"failure": TIMEOUT_REASON, "retry_later": True}  # the drive may hang
