"""Why a file is in the library, or is not."""

from pydantic import BaseModel, Field

from soniquebay.api.models.fields import EncodedPath
from soniquebay.library.absence import State


class Explanation(BaseModel):
    """What became of a file or folder."""

    path: EncodedPath
    state: State = Field(
        description="`failed`: it could not be read, for a `reason`; `left_out`: by a `rule`; `not_audio`: its name is "
        "not one of music; `waiting`: nothing speaks against it, so the next scan reads it; `not_there`: no such file, "
        "or its drive is not plugged in; `outside`: it is not below a folder of music"
    )
    reason: str | None
    rule: EncodedPath | None = Field(
        description="the ignore file, or the file or folder whose name is left out; null unless it is `left_out`"
    )
    stage: str | None = Field(description="where in the pipeline it failed")
    track_id: int | None = Field(description="its track, also one that is missing")
