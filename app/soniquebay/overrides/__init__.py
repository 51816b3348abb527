"""What SoniqueBay replaces in the private parts of Celery, kombu and billiard, a module each."""
