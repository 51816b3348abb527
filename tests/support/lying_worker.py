"""A remote worker that brings the vector of another sound for every track: python -m tests.support.lying_worker ….

The arguments are the URL of the appliance, a join code, a name, the folder of the credentials, and the file of the
other sound.
"""

import os
import sys
from pathlib import Path

from soniquebay.cli import remote_worker
from tests.support.lying_tasks import OTHER_SOUND

if __name__ == "__main__":
    url, code, name, folder, other_sound = sys.argv[1:]
    os.environ[OTHER_SOUND] = other_sound
    remote_worker.TASKS = ("tests.support.lying_tasks",)
    remote_worker.run_joined(url, code, name, Path(folder), 2)
