"""`maintenance.check_release`: read the canary as a scan reads a file, and tell the API what came of it."""

import logging
import os
from collections.abc import Callable
from typing import Any, cast

from soniquebay.audio import canary
from soniquebay.audio.picture_format import THUMBNAIL_MEDIA_TYPES, media_type
from soniquebay.library.catalogue.message import entities
from soniquebay.library.entities import Entities, FailedFile, FileStamp
from soniquebay.library.paths import encode
from soniquebay.pipeline import library_api
from soniquebay.pipeline.covers import EmbeddedPictures
from soniquebay.pipeline.extract import extract
from soniquebay.pipeline.task import RECORD_FAILURE_MAX_WAIT_SECONDS, StageTask, describe_error, stage
from soniquebay.pipeline.vector import analysed
from soniquebay.settings import settings

log = logging.getLogger(__name__)

_REPORT_MAX_WAIT_SECONDS = 15.0  # whoever has asked does not wait for long


class _WrongResultError(Exception):
    """The canary was read, but not as it is."""


class CheckTask(StageTask):
    """A task that tells the API why there is no report if its process keeps dying."""

    soft_time_limit = 120  # seconds; loading the decoder takes some on a machine that has just booted
    time_limit = 150

    @staticmethod
    def record_failure(error: BaseException, arguments: dict[str, Any]) -> None:
        """Report that the worker cannot read the canary at all."""
        sentence = f"The worker cannot finish the check: {describe_error(error)}."
        report = {"checks": [{"name": "worker", "state": "failed", "sentence": sentence}]}
        library_api.post(_path(arguments["check_id"]), report, RECORD_FAILURE_MAX_WAIT_SECONDS)


@stage("maintenance.check_release", base=CheckTask)
def check_release(check_id: str) -> None:
    """Read tags, cover and sound of the canary with the functions of a scan, and report which of them are wrong."""
    checks: list[dict[str, str]] = []
    report = {
        "checks": checks,
        "entities": _made(checks, "tags", _read_tags, "reads a FLAC file", "cannot read a FLAC file"),
        "analysis": _made(checks, "vector", _analyse, "analyses its sound", "cannot analyse the sound of a FLAC file"),
    }
    _made(checks, "cover", _make_thumbnails, "makes thumbnails of its picture", "cannot make a thumbnail")
    if not library_api.post(_path(check_id), report, _REPORT_MAX_WAIT_SECONDS)["expected"]:
        log.info("nobody waits any more for what the check of this release has found")


def _path(check_id: str) -> str:
    return f"/internal/release-checks/{check_id}"


def _made(checks: list[dict[str, str]], name: str, make: Callable[[], Any], good: str, bad: str) -> Any:
    """Return what a function returns, None if it raises an error; add the outcome to `checks`."""
    try:
        result = make()
    except Exception as error:  # whatever is broken in this release
        reason = str(error) if isinstance(error, _WrongResultError) else describe_error(error)
        log.warning("the check of this release has failed: %s", name, exc_info=error)
        checks.append({"name": name, "state": "failed", "sentence": f"The worker {bad}: {reason}."})
        return None
    checks.append({"name": name, "state": "ok", "sentence": f"The worker {good}."})
    return result


def _read_tags() -> Entities:
    status = canary.PATH.stat()
    stamp: FileStamp = {"path": encode(str(canary.PATH)), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    read = extract(stamp)
    if "reason" in read:
        raise _WrongResultError(cast(FailedFile, read)["reason"])
    file = read
    sound = {name: file["sound"].get(name) for name in canary.SOUND}
    for what, found, expected in (
        ("tags", file["tags"], canary.TAGS),
        ("sound", sound, canary.SOUND),
        ("picture", file.get("has_picture"), True),
    ):
        if found != expected:
            raise _WrongResultError(f"its {what} are {found}, not {expected}")
    return entities([file], (), settings().artist_joins)


def _analyse() -> dict[str, object]:
    analysis = analysed(os.fspath(canary.PATH))
    if "failure" in analysis:
        raise _WrongResultError(str(analysis["failure"]))
    return analysis  # the API refuses a vector of a wrong size, or with values that are not finite


def _make_thumbnails() -> None:
    embedded = EmbeddedPictures()
    embedded.search(os.fspath(canary.PATH))
    if embedded.first is None:
        raise _WrongResultError("its picture is not found, or cannot be decoded")
    for thumbnails, suffix in ((embedded.first.thumbnails, ".jpg"), (embedded.first.webp_thumbnails, ".webp")):
        found = {size: media_type(data) for size, data in thumbnails.items()}
        expected = dict.fromkeys(canary.THUMBNAIL_SIZES_PIXELS, THUMBNAIL_MEDIA_TYPES[suffix])
        if found != expected:
            raise _WrongResultError(f"the thumbnails are {found}, not {expected}")
