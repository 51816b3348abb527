"""Stage 4, `insert.direct_batch`: one idempotent call to the API."""

from soniquebay.library.entities import Entities
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import BatchTask, stage


@stage("insert.direct_batch", base=BatchTask)
def insert_batch(session_id: int, batch_id: str, entities: Entities) -> None:
    """Insert a batch through the API, which applies it once however often it comes."""
    library_api.post(f"/internal/batches/{batch_id}", entities)
