"""`vector.calculate`: what a track sounds like, sent here by the API itself."""

import base64
import logging
import os
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library.paths import decode, is_there
from soniquebay.overrides.memory_recycling import replace_this_process
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import GIVE_UP_PATIENCE, StageTask, reason_of, stage

log = logging.getLogger(__name__)

_PATIENCE = 15.0  # seconds, of the time limit; an API that is away longer has the ledger send the task again


class VectorTask(StageTask):
    """A file on which the process dies again and again, or hangs, gets a reason in the place of its vector."""

    # Seconds. Celery looks at the hard limit only once the soft one has passed, so both have to be here. Loading the
    # decoder and numpy counts too, which takes a busy machine that has just started its time.
    soft_time_limit = 300
    time_limit = 330  # kills: what hangs in the kernel cannot be told to stop

    @staticmethod
    def give_up(error: BaseException, arguments: dict[str, Any]) -> None:
        """Store why there is no vector; one that ran out of time may get it another time."""
        late = isinstance(error, SoftTimeLimitExceeded | TimeLimitExceeded)
        result = {"failure": "its analysis took too long" if late else reason_of(error), "retry_later": late}
        library_api.put(
            f"/internal/vectors/{arguments['track_id']}", {"version": FEATURE_VERSION, **result}, GIVE_UP_PATIENCE
        )


@stage("vector.calculate", base=VectorTask)
def calculate(track_id: int, path: str) -> None:
    """Decode a track, compute its vector and store it through the API; one that cannot be decoded says why."""
    # Late: the parent process then forks without the decoder's and numpy's memory.
    try:
        from soniquebay.audio.analysis import analyse
        from soniquebay.audio.decode import TIMEOUT_REASON, UnavailableAudioError, UndecodableAudioError
    except SoftTimeLimitExceeded:
        replace_this_process()  # of a library that was loaded in part the rest cannot be
        raise

    file = os.fsdecode(decode(path))
    result: dict[str, object]
    try:
        found = analyse(file)
    except UndecodableAudioError as error:
        log.warning("track %d has no vector: %s", track_id, error)
        # A drive that went while it was read may also look like a damaged file.
        retry_later = isinstance(error, UnavailableAudioError) or not is_there(file)
        result = {"failure": str(error), "retry_later": retry_later}
    except SoftTimeLimitExceeded:
        log.warning("track %d has no vector: its analysis took too long", track_id)
        result = {"failure": TIMEOUT_REASON, "retry_later": True}  # as a drive that hangs
    else:
        data = base64.b64encode(found.vector.astype("<f4").tobytes()).decode("ascii")
        result = {"data": data, "bpm": found.bpm, "musical_key": found.musical_key}
    library_api.put(f"/internal/vectors/{track_id}", {"version": FEATURE_VERSION, **result}, _PATIENCE)
