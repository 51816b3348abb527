"""Pure functions on audio files: tags, pictures, samples, features. No Celery, no HTTP."""
