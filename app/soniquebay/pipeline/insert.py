"""Stage 4, `insert.direct_batch`: one idempotent request to the API."""

import logging

import orjson

from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import BatchTask, stage

log = logging.getLogger(__name__)


@stage("insert.direct_batch", base=BatchTask)
def insert_batch(session_id: int, batch_id: str, entities: str) -> None:
    """Insert a batch through the API, which applies it once however often the message is delivered.

    `entities` is JSON, passed on as it is. In a message of another release it may be an object.
    """
    body = entities.encode() if isinstance(entities, str) else orjson.dumps(entities)
    answer = library_api.post_encoded(f"/internal/batches/{batch_id}", body)
    if answer["applied"]:  # else the API has logged why
        log.info("inserted a batch: %d tracks, %d failures", answer["tracks"], answer["failures"])
