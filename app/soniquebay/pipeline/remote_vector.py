"""`vector.calculate` on another machine: the same analysis, of a file that the appliance sends by ranges."""

import logging
import os
from functools import cache
from pathlib import Path

from celery import shared_task

from soniquebay.pipeline.analysis_message import described
from soniquebay.pipeline.remote_api import Appliance, NotOursError, RemoteFile
from soniquebay.worker.config import DECODING_SOFT_TIME_LIMIT_SECONDS, DECODING_TIME_LIMIT_SECONDS
from soniquebay.worker.remote import FOLDER_VARIABLE, read_credentials

log = logging.getLogger(__name__)


@cache
def appliance() -> Appliance:
    """Return the client of this process. Raises ``RuntimeError`` when this machine has not joined."""
    folder = Path(os.environ[FOLDER_VARIABLE])
    credentials = read_credentials(folder)
    if credentials is None:
        raise RuntimeError(f"{folder} has no credentials")
    return Appliance(credentials, folder)


@shared_task(
    name="vector.calculate",
    soft_time_limit=DECODING_SOFT_TIME_LIMIT_SECONDS,
    time_limit=DECODING_TIME_LIMIT_SECONDS,
)
def calculate(track_id: int, suffix: str = "", start: float = 0.0, seconds: float | None = None) -> None:
    """Bring the vector of a track, or leave the track to the appliance if it cannot be decoded here."""
    from soniquebay.audio.analysis import analyse
    from soniquebay.audio.decode import UndecodableAudioError

    try:
        file = RemoteFile(appliance(), track_id, suffix)
        try:
            analysis = analyse(file, start, seconds)
        except UndecodableAudioError as error:
            log.warning("track %d is left to the appliance: %s", track_id, error)
            appliance().request("DELETE", f"/worker/tracks/{track_id}")
            return
        appliance().request("PUT", f"/worker/tracks/{track_id}/vector", json=described(analysis))
    except NotOursError as error:
        log.warning("track %d: %s", track_id, error)
