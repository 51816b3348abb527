"""The check of a library of broken files after its scan."""

import os
import re
from typing import Any

from soniquebay.library.paths import decode
from tests.corpus.broken import Corpus
from tests.corpus.reasons import unreadable
from tests.support.stack import Stack


def all_items(stack: Stack, path: str) -> list[dict[str, Any]]:
    """Return every item of a paged list of the API."""
    items: list[dict[str, Any]] = []
    while page := stack.get(path, limit=500, offset=len(items))["items"]:
        items += page
    return items


def assert_accounted_for(stack: Stack, corpus: Corpus, summary: dict[str, Any]) -> None:
    """Fail unless each path is a track (with a vector or a reason) or a failure with a reason, and no process died."""
    assert summary["status"] == "completed"
    tracks = all_items(stack, "/api/tracks")
    failures = all_items(stack, f"/api/scan-sessions/{summary['session_id']}/failures")
    as_track = [decode(track["path"]) for track in tracks]
    as_failure = [decode(failure["path"].rstrip("/")) for failure in failures]
    assert len(as_track) == len(set(as_track))
    assert len(as_failure) == len(set(as_failure))
    assert not set(as_track) & set(as_failure)
    assert set(as_track) | set(as_failure) == corpus.paths
    assert all(os.path.exists(path) for path in as_track)  # noqa: PTH110 - bytes
    reasons = {failure["reason"] for failure in failures} | {t["vector_failure"] for t in tracks if t["vector_failure"]}
    assert not {reason for reason in reasons if unreadable(reason)}
    assert not [track["path"] for track in tracks if track["has_vector"] == bool(track["vector_failure"])]
    log = (stack.data / "logs" / "worker.log").read_text(errors="replace")
    errors = [
        line for line in log.splitlines() if re.search("WorkerLost|Traceback|Segmentation|MemoryError|gave up", line)
    ]
    assert not errors, errors
    assert stack.get("/api/health")["status"] == "ok"
