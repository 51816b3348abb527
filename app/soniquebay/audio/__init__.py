"""Functions that read audio files: tags, pictures, samples and features. Nothing here uses Celery or HTTP."""
