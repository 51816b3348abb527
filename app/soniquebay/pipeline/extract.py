"""Stage 2, `metadata.extract_batch`: tags, duration and format of each file."""

import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor

from soniquebay.audio.tags import UnreachableFileError, UnreadableAudioError, read_tags
from soniquebay.library.entities import FailedFile, FileStamp, FileTags
from soniquebay.library.paths import decode
from soniquebay.pipeline.task import BatchTask, stage
from soniquebay.worker.app import send
from soniquebay.worker.config import EXTRACT_THREADS


@stage("metadata.extract_batch", base=BatchTask)
def extract_batch(session_id: int, batch_id: str, files: list[FileStamp]) -> None:
    """Read a batch with two threads: while one waits for the disk the other parses."""
    with ThreadPoolExecutor(EXTRACT_THREADS) as pool:
        results = list(pool.map(extract, files))
    read = [result for result in results if "tags" in result]
    failed = [result for result in results if "reason" in result]
    send("batch.process_entities", session_id=session_id, batch_id=batch_id, files=read, failures=failed)


def extract(file: FileStamp) -> FileTags | FailedFile:
    """Return a file's tags, or why it has none; a bad file is a failure of its own, never of its batch."""
    if file["size"] == 0:
        return {"path": file["path"], "reason": "the file is empty", "bad_content": True}
    try:
        tags = read_tags(os.fsdecode(decode(file["path"])))
    except UnreadableAudioError as error:
        return {"path": file["path"], "reason": str(error), "bad_content": not isinstance(error, UnreachableFileError)}
    return {**file, "tags": dataclasses.asdict(tags)}
