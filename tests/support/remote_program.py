"""A remote worker with a task of the tests: python -m tests.support.remote_program FOLDER."""

import sys
from pathlib import Path

from soniquebay.settings import settings
from soniquebay.worker.remote import read_credentials, run

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    credentials = read_credentials(folder)
    assert credentials is not None
    run(settings(), credentials, folder, 2, ("tests.support.remote_tasks",))
