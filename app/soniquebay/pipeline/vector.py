"""`vector.calculate`: what a track sounds like, sent here by the API itself."""

import base64
import logging
import os

from soniquebay.library.paths import decode
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import stage

log = logging.getLogger(__name__)


@stage("vector.calculate")
def calculate(track_id: int, path: str) -> None:
    """Decode a track, compute its vector and store it through the API; one that cannot be decoded says why."""
    # Late: the parent process then forks without the decoder's and numpy's memory.
    from soniquebay.audio.decode import UndecodableAudioError, decode_segments
    from soniquebay.audio.features import VERSION, features

    try:
        vector = features(decode_segments(os.fsdecode(decode(path))))
    except UndecodableAudioError as error:
        log.warning("track %d has no vector: %s", track_id, error)
        result: dict[str, object] = {"failure": str(error)}
    else:
        result = {"data": base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")}
    library_api.put(f"/internal/vectors/{track_id}", {"version": VERSION, **result})
