"""Search the library for duplicates. numpy and the vectors are loaded here, in a process of the worker."""

import logging
import time

from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library import duplicates
from soniquebay.library.database import open_read_only
from soniquebay.library.similarity.recordings import load_sounds
from soniquebay.pipeline import library_api
from soniquebay.settings import settings

log = logging.getLogger(__name__)


def find() -> None:
    """Compare all tracks, and store the groups of those that sound like one recording through the API."""
    started = time.process_time()
    with open_read_only(settings().database) as db:
        stored = duplicates.state(db).stored
        sounds = load_sounds(db)
        groups = sounds.groups()  # which reads fingerprints
    body = {
        "groups": groups,
        "stored": stored,
        "feature_version": FEATURE_VERSION,
        "rules_version": duplicates.RULES_VERSION,
        "cpu_seconds": time.process_time() - started,
    }
    changed = library_api.put("/internal/duplicates", body)["changed"]
    log.info("duplicates: %d groups among %d tracks, %d tracks changed theirs", len(groups), sounds.count, changed)
