"""The task of a worker that lies: it brings what another file sounds like, or one value of the file that is wrong."""

import base64
import os
import struct
from pathlib import Path
from typing import Any

from celery import shared_task

from soniquebay.audio.feature_schema import ACOUSTIC_FINGERPRINT_HEADER, MUSICAL_KEYS
from soniquebay.audio.sound_tags import SOUND_TAGS, SOUND_TAGS_VERSION
from soniquebay.pipeline.remote_api import Appliance, RemoteFile
from soniquebay.worker.remote import FOLDER_VARIABLE, read_credentials

LIE = "SONIQUEBAY_TEST_LIE"
FIELDS = ("sound_tags", "acoustic_fingerprint", "bpm", "musical_key")


@shared_task(name="vector.calculate")  # type: ignore[untyped-decorator]
def lie(track_id: int, suffix: str = "", **_: object) -> None:
    from soniquebay.audio.analysis import analyse
    from soniquebay.pipeline.analysis_message import described

    folder = Path(os.environ[FOLDER_VARIABLE])
    credentials = read_credentials(folder)
    assert credentials is not None
    appliance, about = Appliance(credentials, folder), os.environ[LIE]
    if about in FIELDS:
        body = described(analyse(RemoteFile(appliance, track_id, suffix)))
        body |= {about: wrong(about, body[about])}
    else:
        body = described(analyse(about))
    appliance.request("PUT", f"/worker/tracks/{track_id}/vector", json=body)


def wrong(field: str, true: Any) -> Any:
    """Return a value of a field that is not the true one."""
    if field == "sound_tags":
        values = [1.0] * len(SOUND_TAGS)
        return {"version": SOUND_TAGS_VERSION, "data": _encoded(struct.pack(f"<{len(values)}e", *values))}
    if field == "acoustic_fingerprint":
        data, size = base64.b64decode(true), ACOUSTIC_FINGERPRINT_HEADER.size
        return _encoded(data[:size] + bytes(255 - step for step in data[size:]))  # of a sound with a single segment
    if field == "bpm":
        return 97.0 if true is None else true / 2
    return next(key for key in MUSICAL_KEYS if key != true)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
