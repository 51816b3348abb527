"""Debian's Chromium, driven by Playwright."""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from image import hostpackages
from image.paths import ROOT

_PACKAGES = {
    "chromium": "shows the page in its tests",
    "fonts-dejavu-core": "the font of the page in its tests: pictures of it are compared",
    "fonts-droid-fallback": "titles in Chinese, Japanese and Korean, which DejaVu has not",
}
PICTURE_COLOURS = 256  # as many as a palette has: with fewer, covers are blotched and grey text is tinted

# Returns how far the browser has played the track, in seconds.
PLAYED_SECONDS = "() => Math.max(...[...document.querySelectorAll('audio')].map((audio) => audio.currentTime))"


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


def save_picture(page: Page, name: str) -> None:
    """Save what the window shows for the docs, in the colours of one palette, if PICTURES=1 wants pictures."""
    if os.environ.get("PICTURES"):
        page.wait_for_timeout(800)  # covers are drawn as they come
        shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(PICTURE_COLOURS)
        shown.save(ROOT / "docs/pictures" / f"{name}.png", optimize=True)
