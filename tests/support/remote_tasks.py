"""The task of a remote worker in tests: it notes the number that it was given."""

import os
from pathlib import Path

from celery import shared_task

NOTES = "SONIQUEBAY_TEST_NOTES"


@shared_task(name="vector.calculate")  # type: ignore[untyped-decorator]
def note(track_id: int) -> None:
    with Path(os.environ[NOTES]).open("a") as notes:
        notes.write(f"{track_id}\n")
