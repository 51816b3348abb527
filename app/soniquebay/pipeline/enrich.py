"""`enrich.genres`, on the `deferred` queue: clean genres out of what the tags said."""

from typing import Any

from soniquebay.library.genres import clean_genres
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import GIVE_UP_PATIENCE, StageTask, stage


class GenresTask(StageTask):
    """Tracks whose genres cannot be cleaned have none, until their files change."""

    @staticmethod
    def give_up(reason: str, arguments: dict[str, Any]) -> None:
        """Note that the tracks were looked at."""
        library_api.put("/internal/genres", {track_id: [] for track_id in arguments["raw"]}, GIVE_UP_PATIENCE)


@stage("enrich.genres", base=GenresTask)
def genres(raw: dict[str, str]) -> None:
    """Clean the raw genres of tracks, given by track id, and store them through the API."""
    library_api.put("/internal/genres", {track_id: clean_genres(text) for track_id, text in raw.items()})
