"""`maintenance.*`: tasks that run from time to time, or at the operator's request."""

import logging

from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import stage

log = logging.getLogger(__name__)


@stage("maintenance.resume_sessions")
def resume_sessions() -> None:
    """Have the API send again the tasks whose messages Redis has lost."""
    sent = library_api.post("/internal/resume", {})
    if any(sent.values()):
        log.info("sent again: %s", sent)


@stage("maintenance.purge")
def purge(missing_before: float) -> None:
    """Delete the tracks that have been missing since before a time (Unix seconds), some in each request."""
    purged = 0
    while count := library_api.post("/internal/purge", {"missing_before": missing_before})["purged"]:
        purged += int(count)
    log.info("purged %d missing tracks", purged)


@stage("maintenance.lay_out_map")
def lay_out_map() -> None:
    """Place the tracks on the map that have a vector and no place, or make the whole map anew if many are new."""
    from soniquebay.pipeline import sound_map  # imported here: the parent process then forks without numpy

    sound_map.bring_up_to_date()


@stage("maintenance.find_duplicates")
def find_duplicates() -> None:
    """Compare the vectors of the whole library, and group the tracks that sound like one recording."""
    from soniquebay.pipeline import duplicates  # imported here, as above

    duplicates.find()
