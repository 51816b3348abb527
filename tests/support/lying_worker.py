"""A remote worker that brings something wrong for every track: python -m tests.support.lying_worker ….

The arguments are the URL of the appliance, a join code, a name, the folder of the credentials, and the lie: one of
`lying_tasks.FIELDS`, or another file, whose sound it brings.
"""

import os
import sys
from pathlib import Path

from soniquebay.cli import remote_worker
from tests.support.lying_tasks import LIE

if __name__ == "__main__":
    url, code, name, folder, lie = sys.argv[1:]
    os.environ[LIE] = lie
    remote_worker.TASKS = ("tests.support.lying_tasks",)
    remote_worker.run_joined(url, code, name, Path(folder), 2)
