"""Stage 2, `metadata.extract_batch`: tags, duration and format of each file."""

import logging
import os

from soniquebay.audio.tags import UnavailableFileError, UnreadableAudioError, read_tags
from soniquebay.library.database import open_read_only
from soniquebay.library.entities import FailedFile, FileStamp, FileTags
from soniquebay.library.paths import decode
from soniquebay.library.sessions import is_running
from soniquebay.overrides.memory_recycling import replace_this_process
from soniquebay.pipeline.task import BatchTask, forward, stage
from soniquebay.pipeline.thread_pool import DeadlineThreadPool
from soniquebay.settings import settings
from soniquebay.worker.config import EXTRACT_THREADS

log = logging.getLogger(__name__)

DEADLINE = 60.0  # seconds a file: a disk that wakes up takes ten, one that dies takes for ever


@stage("metadata.extract_batch", base=BatchTask)
def extract_batch(session_id: int, batch_id: str, files: list[FileStamp]) -> None:
    """Read a batch with two threads; one of a session that was paused or cancelled stays in the ledger."""
    with open_read_only(settings().database) as db:
        if not is_running(db, session_id):
            return
    readers = DeadlineThreadPool(extract, _too_late, DEADLINE)
    results = readers.run(files, EXTRACT_THREADS)
    read = [result for result in results if "tags" in result]
    failed = [result for result in results if "reason" in result]
    forward("batch.process_entities", session_id=session_id, batch_id=batch_id, files=read, failures=failed)
    if readers.hanging:
        log.warning("%d files gave no answer within %.0f s; this process is replaced", readers.hanging, DEADLINE)
        replace_this_process()


def extract(file: FileStamp) -> FileTags | FailedFile:
    """Return a file's tags, or why it has none; a bad file is a failure of its own, never of its batch."""
    if file["size"] == 0:
        return {"path": file["path"], "reason": "the file is empty", "bad_content": True}
    try:
        tags = read_tags(os.fsdecode(decode(file["path"])))
    except UnreadableAudioError as error:
        return {"path": file["path"], "reason": str(error), "bad_content": not isinstance(error, UnavailableFileError)}
    return {**file, "tags": tags.as_dict()}


def _too_late(file: FileStamp) -> FileTags | FailedFile:
    return {"path": file["path"], "reason": f"gave no answer within {DEADLINE:.0f} s: is its disk failing?"}
