"""Stage 2, `metadata.extract_batch`: what each file says, and the properties of its sound."""

import logging
import os
from typing import cast

from soniquebay.audio.companions.read import apply_companions
from soniquebay.audio.reading.content import FileContent, compact_tags
from soniquebay.audio.reading.errors import UnavailableFileError, UnreadableAudioError
from soniquebay.audio.reading.read import read_file
from soniquebay.library.database import open_read_only
from soniquebay.library.entities import FailedFile, FileStamp, FileTags
from soniquebay.library.paths import decode, encode
from soniquebay.library.sessions import is_running
from soniquebay.overrides.memory_recycling import replace_this_process
from soniquebay.pipeline.task import BatchTask, forward, give_back, stage
from soniquebay.pipeline.thread_pool import DeadlineThreadPool
from soniquebay.settings import settings
from soniquebay.worker.config import EXTRACT_THREADS

log = logging.getLogger(__name__)

FILE_TIMEOUT_SECONDS = 60.0  # a disk that spins up takes ten seconds, a dying one never answers


@stage("metadata.extract_batch", base=BatchTask)
def extract_batch(session_id: int, batch_id: str, files: list[FileStamp]) -> None:
    """Read the tags of a batch with two threads; skip it when its session was paused or cancelled."""
    with open_read_only(settings().database) as db:
        is_skipped = not is_running(db, session_id)
    if is_skipped:
        give_back(f"/internal/batches/{batch_id}/return")  # it stays in the ledger
        return
    pool = DeadlineThreadPool(extract, _timeout_failure, FILE_TIMEOUT_SECONDS)
    results = pool.run(files, EXTRACT_THREADS)
    read = [result for result in results if "tags" in result]
    failed = cast("list[FailedFile]", [result for result in results if "reason" in result])
    _log_unreadable(failed)
    forward("batch.process_entities", session_id=session_id, batch_id=batch_id, files=read, failures=failed)
    if pool.abandoned_threads:
        log.warning(
            "%d files could not be read within %.0f s; replacing this process",
            pool.abandoned_threads,
            FILE_TIMEOUT_SECONDS,
        )
        replace_this_process()


def _log_unreadable(failed: list[FailedFile]) -> None:
    unreadable = [file for file in failed if not file.get("is_left_out")]
    if unreadable:
        first = unreadable[0]
        log.warning(
            "files that could not be read: %d, the first: %s: %s", len(unreadable), first["path"], first["reason"]
        )


def extract(file: FileStamp) -> FileTags | FailedFile:
    """Return what a file says, or why it cannot be read: a bad file fails alone, never its batch."""
    if file["size"] == 0:
        return {"path": file["path"], "reason": "the file is empty", "bad_content": True}
    path = os.fsdecode(decode(file["path"]))
    try:
        content = read_file(path, settings().tag_encoding)
    except UnreadableAudioError as error:
        return {"path": file["path"], "reason": str(error), "bad_content": not isinstance(error, UnavailableFileError)}
    if "companions" in file or "cuesheet" in content.tags:
        return _with_companions(file, path, content)
    read: FileTags = {**file, **content.as_dict()}  # type: ignore[typeddict-item]
    return read


def _with_companions(file: FileStamp, path: str, content: FileContent) -> FileTags:
    names = [os.fsdecode(decode(name)) for name in file.get("companions", ())]
    found = apply_companions(path, content, names, settings().tag_encoding)
    read: FileTags = {**file, **content.as_dict()}  # type: ignore[typeddict-item]
    if found.parts:
        read["parts"] = [{"start": p.start, "duration": p.duration, "tags": compact_tags(p.tags)} for p in found.parts]
    if found.remarks:
        read["remarks"] = [
            {"path": encode(r.path), "reason": r.reason, "is_companion": True, "is_left_out": r.left_out}
            for r in found.remarks
        ]
    return read


def _timeout_failure(file: FileStamp) -> FileTags | FailedFile:
    reason = f"could not be read within {FILE_TIMEOUT_SECONDS:.0f} s: is the disk failing?"
    return {"path": file["path"], "reason": reason}
