"""Another clock for the Python programs of a stack. (Under libfaketime sleep(3) fails if only the time is faked.)"""

import os
from pathlib import Path

SITE_CUSTOMIZE = """
import time

_real = time.time


def _shifted():
    with open({file!r}) as opened:
        return _real() + float(opened.read())


time.time = _shifted
"""
YEAR_SECONDS = 365 * 86400


class Clock:
    """What ``time.time()`` says in programs that are started with `environment`. Redis keeps the real clock."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "offset"
        self.jump(0)
        package = folder / "site"
        package.mkdir()
        # Python imports it at the start of each program
        (package / "sitecustomize.py").write_text(SITE_CUSTOMIZE.format(file=str(self._file)))
        self.environment = {"PYTHONPATH": os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")]).strip(":")}

    def jump(self, years: float) -> None:
        """Set the clock to so many years from the real time."""
        new = self._file.with_suffix(".new")
        new.write_text(str(years * YEAR_SECONDS))
        new.replace(self._file)
