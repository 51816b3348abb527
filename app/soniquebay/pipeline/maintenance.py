"""`maintenance.*`: what keeps the library whole while nobody looks."""

import logging

from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import stage

log = logging.getLogger(__name__)


@stage("maintenance.resume_sessions")
def resume_sessions() -> None:
    """Have the API send again what it waits for and Redis no longer knows."""
    sent = library_api.post("/internal/resume", {})
    if any(sent.values()):
        log.info("sent again: %s", sent)


@stage("maintenance.purge")
def purge(missing_before: float) -> None:
    """Delete the tracks whose files are missing since before a time (Unix seconds), a few at a time."""
    purged = 0
    while answer := library_api.post("/internal/purge", {"missing_before": missing_before})["purged"]:
        purged += int(answer)
    log.info("purged %d missing tracks", purged)
