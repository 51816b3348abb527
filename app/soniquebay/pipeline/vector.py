"""`vector.calculate`: what a track sounds like, sent here by the API itself."""

import base64
import logging
import os
from typing import Any

from soniquebay.library.paths import decode
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import GIVE_UP_PATIENCE, StageTask, stage

log = logging.getLogger(__name__)

_PATIENCE = 60.0  # seconds, of the time limit; an API that is away longer has the ledger send the task again


class VectorTask(StageTask):
    """A file on which the process dies again and again, or hangs, gets a reason in the place of its vector."""

    time_limit = 120  # seconds; hard: what hangs in a read cannot be told to stop

    @staticmethod
    def give_up(reason: str, arguments: dict[str, Any]) -> None:
        """Store why there is no vector."""
        from soniquebay.audio.features import VERSION

        path = f"/internal/vectors/{arguments['track_id']}"
        library_api.put(path, {"version": VERSION, "failure": reason}, GIVE_UP_PATIENCE)


@stage("vector.calculate", base=VectorTask)
def calculate(track_id: int, path: str) -> None:
    """Decode a track, compute its vector and store it through the API; one that cannot be decoded says why."""
    # Late: the parent process then forks without the decoder's and numpy's memory.
    from soniquebay.audio.analysis import analyse
    from soniquebay.audio.decode import UndecodableAudioError
    from soniquebay.audio.features import VERSION

    try:
        found = analyse(os.fsdecode(decode(path)))
    except UndecodableAudioError as error:
        log.warning("track %d has no vector: %s", track_id, error)
        result: dict[str, object] = {"failure": str(error)}
    else:
        data = base64.b64encode(found.vector.astype("<f4").tobytes()).decode("ascii")
        result = {"data": data, "bpm": found.bpm, "key": found.key}
    library_api.put(f"/internal/vectors/{track_id}", {"version": VERSION, **result}, _PATIENCE)
