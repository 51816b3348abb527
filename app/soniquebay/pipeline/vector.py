"""`vector.calculate`: what a track sounds like, sent here by the API itself."""

import base64
import logging
import os
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded

from soniquebay.audio.layout import VERSION
from soniquebay.library.paths import decode, is_there
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import GIVE_UP_PATIENCE, StageTask, stage

log = logging.getLogger(__name__)

_PATIENCE = 15.0  # seconds, of the time limit; an API that is away longer has the ledger send the task again


class VectorTask(StageTask):
    """A file on which the process dies again and again, or hangs, gets a reason in the place of its vector."""

    # Seconds. Celery looks at the hard limit only once the soft one has passed, so both have to be here.
    soft_time_limit = 100
    time_limit = 120  # kills: what hangs in the kernel cannot be told to stop

    @staticmethod
    def give_up(reason: str, arguments: dict[str, Any]) -> None:
        """Store why there is no vector."""
        path = f"/internal/vectors/{arguments['track_id']}"
        library_api.put(path, {"version": VERSION, "failure": reason}, GIVE_UP_PATIENCE)


@stage("vector.calculate", base=VectorTask)
def calculate(track_id: int, path: str) -> None:
    """Decode a track, compute its vector and store it through the API; one that cannot be decoded says why."""
    # Late: the parent process then forks without the decoder's and numpy's memory.
    from soniquebay.audio.analysis import analyse
    from soniquebay.audio.decode import TOO_LONG, UndecodableAudioError, UnreachableAudioError

    file = os.fsdecode(decode(path))
    result: dict[str, object]
    try:
        found = analyse(file)
    except UndecodableAudioError as error:
        log.warning("track %d has no vector: %s", track_id, error)
        # A drive that went while it was read may also look like a damaged file.
        away = isinstance(error, UnreachableAudioError) or not is_there(file)
        result = {"failure": str(error), "away": away}
    except SoftTimeLimitExceeded:
        log.warning("track %d has no vector: its analysis took too long", track_id)
        result = {"failure": TOO_LONG}
    else:
        data = base64.b64encode(found.vector.astype("<f4").tobytes()).decode("ascii")
        result = {"data": data, "bpm": found.bpm, "key": found.key}
    library_api.put(f"/internal/vectors/{track_id}", {"version": VERSION, **result}, _PATIENCE)
