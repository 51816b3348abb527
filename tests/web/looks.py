"""Pictures of views, compared with those in the repository."""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page

from image.paths import ROOT

PICTURES = Path(__file__).with_name("pictures")
FAILED = ROOT / "build/pictures"
SHRINK = 4  # so that the edges of letters, which differ between machines, are a mean of their surroundings
COLOURS = 256  # of a stored picture; with fewer, small coloured things would be other ones
MAX_CHANNEL_DIFFERENCE = 40  # of 255
MAX_DIFFERENT_SHARE = 0.01  # of all pixels
# One font of Debian on every machine, no caret, and nothing that moves.
STYLE = """
:root { --font: "DejaVu Sans" !important; }
*, *::before, *::after { animation: none !important; transition: none !important; caret-color: transparent !important; }
"""


def shown(page: Page, masked: list[Locator]) -> Image.Image:
    """Return what a window shows, small, with one plain box over each masked element."""
    page.add_style_tag(content=STYLE)
    page.wait_for_load_state("networkidle")
    loaded = (
        "() => Promise.all([...document.images].filter((one) => one.loading !== 'lazy').map((one) => one.decode()))"
    )
    page.evaluate(loaded)
    picture = page.screenshot(mask=masked, mask_color="#808080", animations="disabled")
    return Image.open(io.BytesIO(picture)).convert("RGB").reduce(SHRINK)


def compare(name: str, picture: Image.Image) -> str | None:
    """Return what differs from the stored picture, None if nothing does; with UPDATE_PICTURES=1 store it instead.

    A picture that differs is kept in `build/pictures`, with the place of what differs in red beside it.
    """
    path = PICTURES / f"{name}.png"
    if os.environ.get("UPDATE_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        picture.quantize(COLOURS).save(path, optimize=True)
        return None
    stored = Image.open(path).convert("RGB")
    if stored.size != picture.size:
        return f"{name} has {picture.size} pixels in place of {stored.size}"
    difference = np.abs(np.asarray(stored, np.int16) - np.asarray(picture, np.int16)).max(axis=2)
    is_different = difference > MAX_CHANNEL_DIFFERENCE
    share = float(is_different.mean())
    if share <= MAX_DIFFERENT_SHARE:
        return None
    FAILED.mkdir(parents=True, exist_ok=True)
    marked = np.asarray(picture).copy()
    marked[is_different] = (255, 0, 0)
    beside = Image.new("RGB", (3 * picture.width, picture.height))
    for column, one in enumerate((stored, picture, Image.fromarray(marked))):
        beside.paste(one, (column * picture.width, 0))
    beside.save(FAILED / f"{name}.png")
    return f"{name} differs in {share:.1%} of its pixels: see {FAILED / f'{name}.png'}; UPDATE_PICTURES=1 takes it over"
