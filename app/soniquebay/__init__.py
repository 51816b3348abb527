"""SoniqueBay: a music library that scans, tags and understands a collection on a Raspberry Pi 4."""

import sys

# httpx would import a command line of its own, with all that belongs to one: 0.1 s and 10 MB in every program.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

__version__ = "0.1.0"
