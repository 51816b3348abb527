"""SoniqueBay: a music library that scans, tags and understands a collection on a Raspberry Pi 4."""

__version__ = "0.1.0"
