"""What the tasks that decode a track share: their time limits, and what they store in place of a result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from soniquebay.library.paths import path_exists
from soniquebay.overrides.memory_recycling import replace_this_process
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import RECORD_FAILURE_MAX_WAIT_SECONDS, StageTask, describe_error
from soniquebay.worker.config import DECODING_SOFT_TIME_LIMIT_SECONDS, DECODING_TIME_LIMIT_SECONDS

STORE_MAX_WAIT_SECONDS = 15.0  # counts towards the time limit; after it the ledger has the task sent again

Result = dict[str, Any]


class DecodingTask(StageTask):
    """A task that stores a reason in place of its result if its process keeps dying, or it runs out of time."""

    # Celery checks the hard limit only after the soft one has passed, so both must be set.
    soft_time_limit = DECODING_SOFT_TIME_LIMIT_SECONDS
    time_limit = DECODING_TIME_LIMIT_SECONDS

    work: ClassVar[str]
    """What it does, for people: "analysis"."""
    results: ClassVar[str]
    """The folder of its results in the API's internal application: "vectors"."""
    in_each_result: ClassVar[Result] = {}

    @classmethod
    def store(cls, track_id: int, result: Result, max_wait_seconds: float = STORE_MAX_WAIT_SECONDS) -> None:
        """Store the result of a track through the API. Raises as `library_api.put`."""
        library_api.put(f"/internal/{cls.results}/{track_id}", {**cls.in_each_result, **result}, max_wait_seconds)

    @classmethod
    def record_failure(cls, error: BaseException, arguments: dict[str, Any]) -> None:
        """Store why there is no result; a task that ran out of time is retried later."""
        timed_out = isinstance(error, SoftTimeLimitExceeded | TimeLimitExceeded)
        failure = f"its {cls.work} took too long" if timed_out else describe_error(error)
        result = {"failure": failure, "retry_later": timed_out}
        cls.store(arguments["track_id"], result, RECORD_FAILURE_MAX_WAIT_SECONDS)


@contextmanager
def loading() -> Iterator[None]:
    """Have this process replaced if its time is over in the body, which imports a large library.

    Tasks import numpy and the decoder when they run: the parent process then forks without their memory.
    """
    try:
        yield
    except SoftTimeLimitExceeded:
        replace_this_process()  # a partially loaded library cannot be loaded again
        raise


def result_or_reason(file: str, compute: Callable[[], Result]) -> Result:
    """Return what `compute` makes of a file, or the reason why the file cannot be decoded.

    `file` is Python's file-system string.
    """
    with loading():
        from soniquebay.audio.decode import TIMEOUT_REASON, UnavailableAudioError, UndecodableAudioError

    try:
        return compute()
    except UndecodableAudioError as error:
        # A drive that was unplugged during the read can also look like a damaged file.
        retry_later = isinstance(error, UnavailableAudioError) or not path_exists(file)
        return {"failure": str(error), "retry_later": retry_later}
    except SoftTimeLimitExceeded:
        return {"failure": TIMEOUT_REASON, "retry_later": True}  # the drive may hang
