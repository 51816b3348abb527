"""How the tasks run on a Pi: the Celery application and its limits."""

import os

# Celery reads it as it is imported: SIGTERM then gives running tasks back instead of waiting for them.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
