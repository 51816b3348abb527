"""SoniqueBay: a music library that scans, tags and understands a collection on a Raspberry Pi 4."""

from soniquebay.overrides import import_stub

__version__ = "0.1.0"

import_stub.install()
