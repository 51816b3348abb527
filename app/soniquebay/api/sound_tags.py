"""The sound tags: what a learned model guesses of the library by its sound."""

from typing import Any

from fastapi import APIRouter

from soniquebay.api.access import REFUSALS
from soniquebay.api.models.sound_tags import SoundTags
from soniquebay.api.services import Shared
from soniquebay.library.similarity.tag_names import TAGS_OF_GENRES

router = APIRouter(prefix="/api", tags=["library"], responses=REFUSALS)


@router.get("/sound-tags", response_model=SoundTags)
def list_sound_tags(services: Shared) -> Any:
    """Return all sound tags, and of how many tracks each is guessed. `GET /api/tracks?tag=…` has these tracks."""
    counts = services.sound_tags.counts()
    return {
        "items": [
            {"name": name, "is_genre": name in TAGS_OF_GENRES, "tracks": tracks} for name, tracks in counts.items()
        ]
    }
