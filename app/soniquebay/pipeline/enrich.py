"""`enrich.*`, on the `deferred` queue: clean genres out of what the tags said, and facts of MusicBrainz."""

from typing import Any

from soniquebay.library.enrichment import Item
from soniquebay.library.genres import clean_genres
from soniquebay.online import musicbrainz
from soniquebay.pipeline import library_api
from soniquebay.pipeline.online import OnlineTask, work
from soniquebay.pipeline.task import GIVE_UP_PATIENCE, StageTask, stage


class GenresTask(StageTask):
    """Tracks whose genres cannot be cleaned have none, until their files change."""

    @staticmethod
    def give_up(error: BaseException, arguments: dict[str, Any]) -> None:
        """Note that the tracks were looked at."""
        library_api.put("/internal/genres", {track_id: [] for track_id in arguments["raw"]}, GIVE_UP_PATIENCE)


@stage("enrich.genres", base=GenresTask)
def genres(raw: dict[str, str]) -> None:
    """Clean the raw genres of tracks, given by track id, and store them through the API."""
    library_api.put("/internal/genres", {track_id: clean_genres(text) for track_id, text in raw.items()})


@stage("enrich.musicbrainz", base=OnlineTask)
def facts(items: list[Item]) -> None:
    """Ask MusicBrainz for artists and releases, and which release an album is; store what it knows through the API."""
    work("musicbrainz", items, _look_up)


def _look_up(item: Item) -> None:
    if item["kind"] == "search":
        library_api.put("/internal/online/search", {"item": item, "mbid": musicbrainz.find_release(item)})
        return
    fetch_facts = musicbrainz.fetch_artist if item["kind"] == "artist" else musicbrainz.fetch_release
    library_api.put("/internal/online/facts", {"item": item, "facts": fetch_facts(str(item["mbid"]))})
