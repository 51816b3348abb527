"""The domain: what a library is and how it is stored. Knows nothing of Celery or HTTP."""
