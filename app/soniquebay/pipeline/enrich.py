"""`enrich.musicbrainz`, on the `deferred` queue: facts from MusicBrainz."""

from soniquebay.library.enrichment import Lookup
from soniquebay.online import musicbrainz
from soniquebay.pipeline import library_api
from soniquebay.pipeline.online import OnlineTask, run_lookups
from soniquebay.pipeline.task import stage


@stage("enrich.musicbrainz", base=OnlineTask)
def facts(items: list[Lookup]) -> None:
    """Look up artists and releases in MusicBrainz, search for the releases of albums, and store the results."""
    run_lookups("musicbrainz", items, _look_up)


def _look_up(lookup: Lookup) -> None:
    if lookup["kind"] == "search":
        library_api.put("/internal/online/search", {"item": lookup, "mbid": musicbrainz.find_release(lookup)})
        return
    fetch_facts = musicbrainz.fetch_artist if lookup["kind"] == "artist" else musicbrainz.fetch_release
    library_api.put("/internal/online/facts", {"item": lookup, "facts": fetch_facts(str(lookup["mbid"]))})
