"""Sound tags of the whole library."""

from pydantic import BaseModel, Field


class SoundTagSummary(BaseModel):
    """A sound tag, and of how many tracks it is guessed."""

    name: str
    is_genre: bool
    tracks: int


class SoundTags(BaseModel):
    """All sound tags in the order of their names. Each is a guess from the sound, never what a file says."""

    items: list[SoundTagSummary] = Field(
        description="a tag is guessed of the tracks of which the model finds it likely (0.1 or more), and which are in "
        "the top fifth of the library by it"
    )
