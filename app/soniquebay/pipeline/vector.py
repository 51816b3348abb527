"""`vector.calculate`: the vector of a track, and what else follows from its sound. The API itself sends this task."""

import logging
import os
from typing import ClassVar

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.audio.learned.model_file import MissingModelError
from soniquebay.library.paths import decode
from soniquebay.pipeline.analysis_message import described
from soniquebay.pipeline.decoding import DecodingTask, Result, loading, result_or_reason
from soniquebay.pipeline.task import stage

log = logging.getLogger(__name__)


class VectorTask(DecodingTask):
    """A task that stores a vector, or why there is none."""

    work = "analysis"
    results = "vectors"
    in_each_result: ClassVar[Result] = {"version": FEATURE_VERSION}


@stage("vector.calculate", base=VectorTask)
def calculate(track_id: int, path: str, start: float = 0.0, seconds: float | None = None) -> None:
    """Decode a track, compute its vector and store it through the API, or the reason why it cannot be decoded.

    A part of a file begins at `start`, and is so many `seconds` long unless it ends with the file. Without the learned
    model nothing is stored, because the file is not at fault: the ledger has the task sent again.
    """
    try:
        result = analysed(os.fsdecode(decode(path)), start, seconds)
    except MissingModelError:  # the main process has said so when it started
        log.info("track %d is left for later: there is no learned model", track_id)
        return
    if "failure" in result:
        log.warning("track %d has no vector: %s", track_id, result["failure"])
    VectorTask.store(track_id, result)


def analysed(file: str, start: float = 0.0, seconds: float | None = None) -> Result:
    """Return what the API stores of the analysis of a file or a part of it, or the reason why it cannot be decoded.

    `file` is Python's file-system string. Raises `MissingModelError`.
    """
    with loading():
        from soniquebay.audio.analysis import analyse

    return result_or_reason(file, lambda: described(analyse(file, start, seconds)))
