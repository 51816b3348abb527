"""The versions that the overrides were tested with."""

import logging
from importlib.metadata import PackageNotFoundError, version

log = logging.getLogger(__name__)

# After an upgrade: read the upstream issues, run `make slow` and `make test-containers`, then change the version here.
TESTED_VERSIONS = {
    "billiard": "4.3.2",
    "celery": "5.7.0",
    "flower": "2.2.0",
    "httpx": "0.28.1",
    "kombu": "5.7.0",
    "redis": "7.4.1",
}


def untested_versions() -> list[str]:
    """Return a sentence for each package whose installed version is not the tested one."""
    found = []
    for package, tested in TESTED_VERSIONS.items():
        try:
            installed = version(package)
        except PackageNotFoundError:
            installed = "no version"
        if installed != tested:
            found.append(f"{package} {installed} is installed, the overrides were tested with {tested}")
    return found


def warn_about_untested_versions() -> None:
    """Log a warning for each package whose installed version is not the tested one."""
    for sentence in untested_versions():
        log.warning("%s: tasks may be lost or run twice", sentence)
