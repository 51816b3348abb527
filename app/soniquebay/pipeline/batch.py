"""Stage 3, `batch.process_entities`: group a batch into artists, albums and tracks."""

from soniquebay.library.entities import FailedFile, FileTags
from soniquebay.library.identity import group
from soniquebay.pipeline.task import BatchTask, forward, stage


@stage("batch.process_entities", base=BatchTask)
def process_entities(session_id: int, batch_id: str, files: list[FileTags], failures: list[FailedFile]) -> None:
    """Group a batch and forward it to be inserted."""
    forward("insert.direct_batch", session_id=session_id, batch_id=batch_id, entities=group(files, failures))
