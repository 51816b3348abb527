"""The memory of the page's scripts after an hour of play, compressed in time.

An hour is twenty tracks of three minutes, in which a browser says four times a second where it is. The tracks of the
benchmark have a second and a half. So three times as many are played one after another, each loaded and played to its
end, and all 14,400 positions of an hour are told meanwhile, each in a task of its own. What remains after a collection
of garbage is compared with what was there after the first tracks.
"""

from playwright.sync_api import CDPSession, Page

FIRST_TRACKS = 10  # both audio elements, and all that is loaded once, are in use then
TRACKS = 60
POSITIONS = 4 * 3600
MAX_GROWTH_MB = 0.2  # tags of the last hundred tracks are kept, and some grow with what the browser compiles
GROWTH = "an hour of play: heap grown by, MB"
MAX_SECONDS = 900.0  # until they have played; then it does not go on
# Resolves when so many tracks were begun and so many positions told. Returns how many tracks were begun.
_PLAY = """async ([tracks, positions, seconds]) => {
  const decks = [...document.querySelectorAll("audio")];
  const task = () => new Promise((done) => setTimeout(done));
  const end = performance.now() + 1000 * seconds;
  let begun = 0, told = 0;
  const count = () => { begun++; };
  for (const deck of decks) deck.addEventListener("playing", count);
  while (begun < tracks || told < positions) {
    const deck = decks.find((one) => !one.paused && one.readyState > 2);
    if (deck && told < positions) {
      const real = deck.currentTime;
      Object.defineProperty(deck, "currentTime", { value: real + (told % 100) / 100, configurable: true });
      deck.dispatchEvent(new Event("timeupdate"));
      delete deck.currentTime;
      told++;
    }
    if (performance.now() > end) throw new Error(`${begun} tracks were begun`);
    await task();
  }
  for (const deck of decks) deck.removeEventListener("playing", count);
  return begun;
}"""


def measure(page: Page) -> dict[str, float]:
    """Play, and return the figures by their names. Raises Playwright's ``Error`` when it does not play on."""
    session = page.context.new_cdp_session(page)
    for domain in ("HeapProfiler", "Performance"):
        session.send(f"{domain}.enable")
    page.goto("/map?list=1")
    page.locator(".map-list .track-row").first.wait_for()
    page.get_by_role("main").get_by_role("button", name="Play", exact=True).click()
    page.evaluate(_PLAY, [FIRST_TRACKS, 0, MAX_SECONDS])
    before = metrics(session)
    played = page.evaluate(_PLAY, [TRACKS, POSITIONS, MAX_SECONDS])
    after = metrics(session)
    return {
        "an hour of play: tracks": played,
        "an hour of play: heap at its start, MB": before["JSHeapUsedSize"] / 1e6,
        GROWTH: (after["JSHeapUsedSize"] - before["JSHeapUsedSize"]) / 1e6,
        "an hour of play: more nodes": after["Nodes"] - before["Nodes"],
        "an hour of play: more event listeners": after["JSEventListeners"] - before["JSEventListeners"],
    }


def metrics(session: CDPSession) -> dict[str, float]:
    """Return what the browser counts in the page, after it has collected the garbage."""
    for _ in range(2):  # what the first one finalizes is freed by the second
        session.send("HeapProfiler.collectGarbage")
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
