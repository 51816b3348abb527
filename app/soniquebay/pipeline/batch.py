"""Stage 3, `batch.process_entities`: interpret what the files of a batch say."""

import orjson

from soniquebay.library.catalogue.message import entities
from soniquebay.library.entities import FailedFile, FileTags
from soniquebay.pipeline.task import BatchTask, forward, stage
from soniquebay.settings import settings


@stage("batch.process_entities", base=BatchTask)
def process_entities(session_id: int, batch_id: str, files: list[FileTags], failures: list[FailedFile]) -> None:
    """Interpret a batch and forward it to be inserted."""
    message = orjson.dumps(entities(files, failures, settings().artist_joins)).decode()
    forward("insert.direct_batch", session_id=session_id, batch_id=batch_id, entities=message)
