"""`enrich.genres`, on the `deferred` queue: clean genres out of what the tags said."""

from soniquebay.library.genres import clean_genres
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import stage


@stage("enrich.genres")
def genres(raw: dict[str, str]) -> None:
    """Clean the raw genres of tracks, given by track id, and store them through the API."""
    library_api.put("/internal/genres", {track_id: clean_genres(text) for track_id, text in raw.items()})
