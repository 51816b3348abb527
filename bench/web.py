"""The page in Debian's Chromium: bytes, time until it can be used, frames, and an hour of play: `make bench-web`.

The library is that of `bench.library`, on a running stack without a login, once all of it is on the map. The phone is
a window of its size whose processor is slowed down four times (Chrome DevTools Protocol); the network is that of the
machine itself.
"""

import argparse
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from playwright.sync_api import Browser, Page

from bench import report, web_hour
from bench.running import scanned
from image import web_page
from tests.support.browser import chromium
from tests.support.stack import Stack, wait_until

PHONE_SLOWDOWN = 4
REPEATS = 5
FRAME_SECONDS = 5
MAP_SECONDS = 900.0  # until 100,000 tracks are on the map, on a busy machine
DRAG_RADIUS_PX = 100  # of the circle in which the map is dragged
DRAG_STEP_RADIANS = 0.08
STILL_SECONDS = 2  # a view that has not changed for so long is whole
ALBUM = "main a[href*='/albums/']"  # its first link; the library of the bench has no covers
VIEWS = ("/albums", "/artists", "/genres", "/playlists", "/map")
FRAME_MS = 16.7
WANTED = {
    "first load, kB": 100.0,
    "phone: first albums, ms": 1000.0,
    **{f"phone: {path} beyond its answers, ms": 100.0 for path in VIEWS},
    **{f"{size}: {what}, ms a frame, 95 %": FRAME_MS for size in ("phone", "desk") for what in ("albums", "map")},
    web_hour.GROWTH: web_hour.MAX_GROWTH_MB,
}
SIZES = {"phone": (390, 844), "desk": (1280, 800)}
# Scrolls for some seconds and returns the milliseconds between frames.
_FRAMES = """async ([seconds, pixels]) => {
  const box = document.getElementById("content"), times = [];
  let last = performance.now(), end = last + 1000 * seconds;
  while (last < end) {
    box.scrollTop += pixels;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}"""

_NOTE_POINTER = """() => {
  window.addEventListener("pointerdown", (event) => { window.pointer = event.pointerId; }, { capture: true });
}"""
# Moves the pressed mouse in circles, one event a frame; returns the same, and in how many frames was painted.
_DRAG = """async ([seconds, x, y, radius, step]) => {
  const field = document.querySelector(".map-stage .field"), times = [];
  let paintings = 0;
  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (...given) {
    paintings++;
    return put.apply(this, given);
  };
  let last = performance.now(), end = last + 1000 * seconds;
  while (last < end) {
    await new Promise((done) => setTimeout(done)); // an event comes in a task of its own
    const angle = step * times.length;
    const at = { clientX: x + radius * Math.cos(angle), clientY: y + radius * Math.sin(angle) };
    field.dispatchEvent(new PointerEvent("pointermove", { pointerId: window.pointer, pointerType: "mouse", ...at }));
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return [times, paintings];
}"""

# Notes when the content of the view has changed last, or was painted, and how many answers it waits for.
_WATCH_CONTENT = """() => {
  performance.clearResourceTimings();
  window.changedAt = 0;
  new MutationObserver(() => { window.changedAt = performance.now(); })
    .observe(document.getElementById("content"), { childList: true, subtree: true });
  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (...given) {
    put.apply(this, given);
    window.changedAt = performance.now();
  };
  window.asked = window.answeredAt = 0;
  const ask = window.fetch;
  window.fetch = (...given) => {
    window.asked++;
    return ask(...given).finally(() => { window.asked--; window.answeredAt = performance.now(); });
  };
}"""
# Some views need no further answer.
_FOLLOW_LINK = """path => {
  window.clickedAt = performance.now();
  document.querySelector(`nav a[href$='${path}']`).click();
}"""
_IS_STILL = "(still) => !asked && changedAt && performance.now() - Math.max(changedAt, answeredAt) > still"
_AFTER_LAST_ANSWER = """() => {
  const answers = performance.getEntriesByType("resource")
    .filter((entry) => entry.name.includes("/api/") && !entry.name.includes("/covers/"));
  return Math.max(0, window.changedAt - Math.max(window.clickedAt, ...answers.map((entry) => entry.responseEnd)));
}"""


def main() -> None:
    """Measure, print, and write build/bench/web.json."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tracks", type=int, default=100_000)
    chosen = options.parse_args()
    web_page.install()
    with scanned(chosen.tracks) as (stack, _), chromium() as browser:
        report.say("The map is made …")
        wait_until(lambda: _is_on_map(stack), MAP_SECONDS)
        result = measure(browser, stack.url)
    report.table("The page", ("", "measured", "wanted"), [(n, v, WANTED.get(n, "–")) for n, v in result.items()])
    report.save("web", {"tracks": chosen.tracks, **result})


def measure(browser: Browser, url: str) -> dict[str, float]:
    """Return each figure by its name."""
    result: dict[str, float] = {}
    with opened(browser, url, "phone") as page:
        result["first load, kB"] = first_load_kilobytes(page)
    result["phone: first albums, ms"] = median(browser, url, until_albums_ms)
    result["phone: JavaScript heap, MB"] = median(browser, url, heap_megabytes)
    for path in VIEWS:
        result[f"phone: {path} beyond its answers, ms"] = median(browser, url, partial(view_ms, path=path))
    for size in SIZES:
        with opened(browser, url, size) as page:
            page.goto("/albums")
            page.wait_for_selector(ALBUM)
            frames = page.evaluate(_FRAMES, [FRAME_SECONDS, 120])
            result[f"{size}: albums, ms a frame, 95 %"] = percentile(frames)
        with opened(browser, url, size) as page:
            result[f"{size}: map, ms a frame, 95 %"] = percentile(frames_of_dragging(page))
    with opened(browser, url, "desk") as page:
        result |= web_hour.measure(page)
    return result


def _is_on_map(stack: Stack) -> bool:
    state = stack.get("/api/map/state")
    return bool(state["placed"] and state["placed"] == state["tracks"])


@contextmanager
def opened(browser: Browser, url: str, size: str) -> Iterator[Page]:
    """Open a window without a cache; that of a phone has a slow processor."""
    width, height = SIZES[size]
    # Playwright waits by `eval`, which the policy of the page forbids.
    context = browser.new_context(base_url=url, viewport={"width": width, "height": height}, bypass_csp=True)
    page = context.new_page()
    if size == "phone":
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": PHONE_SLOWDOWN})
    try:
        yield page
    finally:
        context.close()


def median(browser: Browser, url: str, measured: Callable[[Page], float]) -> float:
    """Return the median of some new windows of a phone."""
    values = []
    for _ in range(REPEATS):
        with opened(browser, url, "phone") as page:
            values.append(measured(page))
    return statistics.median(values)


def first_load_kilobytes(page: Page) -> float:
    """Return the compressed bytes of page, scripts and styles that the first view loads, without covers and answers."""
    page.goto("/")
    page.wait_for_selector(ALBUM)
    entries = page.evaluate("performance.getEntriesByType('resource').map(e => [e.name, e.encodedBodySize])")
    page_bytes = page.evaluate("performance.getEntriesByType('navigation')[0].encodedBodySize")
    return (page_bytes + sum(size for name, size in entries if "/api/" not in name)) / 1000


def until_albums_ms(page: Page) -> float:
    """Return the time from the navigation until the first album is drawn and a click would be answered."""
    page.goto("/", wait_until="commit")
    page.wait_for_selector(ALBUM)
    drawn = "new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
    return float(page.evaluate(drawn))


def heap_megabytes(page: Page) -> float:
    """Return the memory of the scripts once the first view is there."""
    page.goto("/")
    page.wait_for_selector(ALBUM)
    return float(page.evaluate("performance.memory.usedJSHeapSize")) / 1e6


def view_ms(page: Page, path: str) -> float:
    """Return how long a view is built after the last answer of the API, or after the click on its link without one."""
    page.goto("/")
    page.wait_for_selector(ALBUM)
    page.wait_for_load_state("networkidle")
    page.evaluate(_WATCH_CONTENT)
    page.evaluate(_FOLLOW_LINK, path)
    page.wait_for_function("path => location.pathname.endsWith(path) && document.querySelector('main h1')", arg=path)
    page.wait_for_function(_IS_STILL, arg=1000 * STILL_SECONDS)
    return float(page.evaluate(_AFTER_LAST_ANSWER))


def frames_of_dragging(page: Page) -> list[float]:
    """Drag the whole map in circles; return the milliseconds between frames.

    Raises ``AssertionError`` when it was painted in less than half of them, so when it did not follow.
    """
    page.goto("/map")
    page.wait_for_selector(".map-legend li")
    page.wait_for_load_state("networkidle")
    box = page.locator(".map-stage").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + DRAG_RADIUS_PX, y)
    page.evaluate(_NOTE_POINTER)
    page.mouse.down()
    frames: list[float]
    frames, paintings = page.evaluate(_DRAG, [FRAME_SECONDS, x, y, DRAG_RADIUS_PX, DRAG_STEP_RADIANS])
    page.mouse.up()
    assert paintings > len(frames) / 2, f"{paintings} paintings in {len(frames)} frames"
    return frames


def percentile(values: list[float], share: float = 0.95) -> float:
    """Return the value that a share of all do not exceed."""
    return sorted(values)[int(share * (len(values) - 1))]


if __name__ == "__main__":
    main()
