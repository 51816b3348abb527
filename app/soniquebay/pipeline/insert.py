"""Stage 4, `insert.direct_batch`: one idempotent request to the API."""

import logging

from soniquebay.library.entities import ENTITIES_SCHEMA, Entities
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import BatchTask, stage

log = logging.getLogger(__name__)


@stage("insert.direct_batch", base=BatchTask)
def insert_batch(session_id: int, batch_id: str, entities: Entities) -> None:
    """Insert a batch through the API, which applies it once however often the message is delivered."""
    applied = library_api.post(f"/internal/batches/{batch_id}", entities)["applied"]
    if applied:
        log.info("inserted a batch: %d tracks, %d failures", len(entities["tracks"]), len(entities["failures"]))
    elif entities.get("schema") == ENTITIES_SCHEMA:  # else the API has logged why
        log.info("batch %s was inserted before, so it is not inserted again", batch_id)
