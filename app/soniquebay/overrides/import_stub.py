"""Keep two libraries from importing what the appliance never uses.

Replaces: ``httpx/__init__.py`` imports ``httpx._main``, and with it click, rich and pygments: 0.1 s and 10 MB in every
program of the appliance. httpx takes an ImportError there for "not installed" and goes on.
Upstream: https://github.com/encode/httpx/pull/3547 (open).
Remove when: a release of httpx imports its command line only when it is started.

Replaces: ``billiard/util.py`` imports cffi where it is installed, which PyNaCl needs, and then each new child process
of a worker parses C with it for one call: 0.1 s. Without cffi it uses ctypes for the same call.
Upstream: https://github.com/celery/billiard (``set_pdeathsig``).
Remove when: a release of billiard calls prctl without parsing C.
"""

import sys


def install() -> None:
    """Have the import of httpx's command line fail in this process; to be called before httpx is imported."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]


def import_billiard_without_cffi() -> None:
    """Import billiard as if cffi was not installed; to be called before Celery is imported.

    Afterwards cffi can be imported as always.
    """
    if "cffi" in sys.modules or "billiard.util" in sys.modules:
        return
    sys.modules["cffi"] = None  # type: ignore[assignment]
    try:
        import billiard.util  # noqa: F401
    finally:
        del sys.modules["cffi"]
