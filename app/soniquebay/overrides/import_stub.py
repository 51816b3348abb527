"""Keep httpx from importing its command line.

Replaces: ``httpx/__init__.py`` imports ``httpx._main``, and with it click, rich and pygments: 0.1 s and 10 MB in every
program of the appliance. httpx takes an ImportError there for "not installed" and goes on.
Upstream: https://github.com/encode/httpx/pull/3547 (open).
Remove when: a release of httpx imports its command line only when it is started.
"""

import sys


def install() -> None:
    """Have the import of httpx's command line fail in this process; to be called before httpx is imported."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
