"""Debian's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from image import hostpackages

_PACKAGES = {
    "chromium": "shows the page in its tests",
    "fonts-dejavu-core": "the font of the page in its tests: pictures of it are compared",
    "fonts-droid-fallback": "titles in Chinese, Japanese and Korean, which DejaVu has not",
}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser without a window. It and its font are installed, which needs root, if they are missing."""
    hostpackages.install(_PACKAGES)
    with sync_playwright() as playwright:
        # Music starts without a click only where this switch says so; root has no sandbox.
        switches = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--lang=en"]
        running = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=switches)
        try:
            yield running
        finally:
            running.close()
