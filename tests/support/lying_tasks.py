"""The task of a worker that lies: it brings what another file sounds like."""

import os
from pathlib import Path

from celery import shared_task

from soniquebay.pipeline.remote_api import Appliance
from soniquebay.worker.remote import FOLDER_VARIABLE, read_credentials

OTHER_SOUND = "SONIQUEBAY_TEST_OTHER_SOUND"


@shared_task(name="vector.calculate")  # type: ignore[untyped-decorator]
def lie(track_id: int, **_: object) -> None:
    from soniquebay.audio.analysis import analyse
    from soniquebay.pipeline.analysis_message import described

    folder = Path(os.environ[FOLDER_VARIABLE])
    credentials = read_credentials(folder)
    assert credentials is not None
    body = described(analyse(os.environ[OTHER_SOUND]))
    Appliance(credentials, folder).request("PUT", f"/worker/tracks/{track_id}/vector", json=body)
