"""How the tasks run on a Pi: the Celery application and its limits."""
