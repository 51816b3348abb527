"""`enrich.*`, on the `deferred` queue: clean genres from the tags, and facts from MusicBrainz."""

from typing import Any

from soniquebay.library.enrichment import Lookup
from soniquebay.library.genres import clean_genres
from soniquebay.online import musicbrainz
from soniquebay.pipeline import library_api
from soniquebay.pipeline.online import OnlineTask, run_lookups
from soniquebay.pipeline.task import RECORD_FAILURE_MAX_WAIT_SECONDS, StageTask, stage


class GenresTask(StageTask):
    """A task whose tracks have no genres if it fails for good, until their files change."""

    @staticmethod
    def record_failure(error: BaseException, arguments: dict[str, Any]) -> None:
        """Store the tracks without genres."""
        no_genres: dict[str, list[str]] = {track_id: [] for track_id in arguments["raw"]}
        library_api.put("/internal/genres", no_genres, RECORD_FAILURE_MAX_WAIT_SECONDS)


@stage("enrich.genres", base=GenresTask)
def genres(raw: dict[str, str]) -> None:
    """Clean the raw genres of tracks, given by track id, and store them through the API."""
    library_api.put("/internal/genres", {track_id: clean_genres(text) for track_id, text in raw.items()})


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
