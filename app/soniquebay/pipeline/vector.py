"""`vector.calculate`: the vector of a track, and what else follows from its sound. The API itself sends this task."""

import logging
import os
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library.paths import decode, path_exists
from soniquebay.overrides.memory_recycling import replace_this_process
from soniquebay.pipeline import library_api
from soniquebay.pipeline.analysis_message import described
from soniquebay.pipeline.task import RECORD_FAILURE_MAX_WAIT_SECONDS, StageTask, describe_error, stage

log = logging.getLogger(__name__)

_STORE_MAX_WAIT_SECONDS = 15.0  # counts towards the time limit; after it the ledger has the task sent again


class VectorTask(StageTask):
    """A task that stores a reason in place of the vector if its process keeps dying, or it runs out of time."""

    # In seconds. Celery checks the hard limit only after the soft one has passed, so both must be set. They include
    # loading the decoder and numpy, which is slow on a busy machine that has just booted.
    soft_time_limit = 300
    time_limit = 330  # kills the process: code that hangs in the kernel ignores the soft limit

    @staticmethod
    def record_failure(error: BaseException, arguments: dict[str, Any]) -> None:
        """Store why there is no vector; a task that ran out of time is retried later."""
        timed_out = isinstance(error, SoftTimeLimitExceeded | TimeLimitExceeded)
        failure = "its analysis took too long" if timed_out else describe_error(error)
        body = {"version": FEATURE_VERSION, "failure": failure, "retry_later": timed_out}
        library_api.put(f"/internal/vectors/{arguments['track_id']}", body, RECORD_FAILURE_MAX_WAIT_SECONDS)


@stage("vector.calculate", base=VectorTask)
def calculate(track_id: int, path: str, start: float = 0.0, seconds: float | None = None) -> None:
    """Decode a track, compute its vector and store it through the API, or the reason why it cannot be decoded.

    A part of a file begins at `start`, and is so many `seconds` long unless it ends with the file.
    """
    result = analysed(os.fsdecode(decode(path)), start, seconds)
    if "failure" in result:
        log.warning("track %d has no vector: %s", track_id, result["failure"])
    library_api.put(f"/internal/vectors/{track_id}", result, _STORE_MAX_WAIT_SECONDS)


def analysed(file: str, start: float = 0.0, seconds: float | None = None) -> dict[str, object]:
    """Return what the API stores of the analysis of a file or a part of it, or the reason why it cannot be decoded.

    `file` is Python's file-system string.
    """
    # Imported here: the parent process then forks without the memory of the decoder and numpy.
    try:
        from soniquebay.audio.analysis import analyse
        from soniquebay.audio.decode import TIMEOUT_REASON, UnavailableAudioError, UndecodableAudioError
    except SoftTimeLimitExceeded:
        replace_this_process()  # a partially loaded library cannot be loaded again
        raise

    result: dict[str, object]
    try:
        analysis = analyse(file, start, seconds)
    except UndecodableAudioError as error:
        # A drive that was unplugged during the read can also look like a damaged file.
        retry_later = isinstance(error, UnavailableAudioError) or not path_exists(file)
        result = {"failure": str(error), "retry_later": retry_later}
    except SoftTimeLimitExceeded:
        result = {"failure": TIMEOUT_REASON, "retry_later": True}  # the drive may hang
    else:
        result = described(analysis)
    return {"version": FEATURE_VERSION, **result}
