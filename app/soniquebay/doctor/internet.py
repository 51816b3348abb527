"""The services on the internet, as the API knows them from what the fetcher met."""

from collections.abc import Iterator

from soniquebay.doctor.finding import Finding, ok, unknown, wrong
from soniquebay.doctor.surroundings import Surroundings


def services(around: Surroundings) -> Iterator[Finding]:
    """Check that MusicBrainz and the Cover Art Archive answer, if they may be asked."""
    if not around.settings.online:
        yield ok("The internet is not asked (SONIQUEBAY_ONLINE=off).")
        return
    state = around.answer("/api/online")
    if isinstance(state, str):
        yield unknown("Whether the services on the internet answer is not known, because the API does not say.")
        return
    down = [service for service in state["services"] if service["reason"]]
    for service in down:
        yield wrong(
            f"{service['name']} does not answer: {service['reason']}.",
            "Check the network: resolvectl query musicbrainz.org. The library works without; facts and covers "
            "come later. What the fetcher says: soniquebay logs online. To ask nothing: SONIQUEBAY_ONLINE=off",
        )
    if not down:
        yield ok("No service on the internet is known to be down.")
