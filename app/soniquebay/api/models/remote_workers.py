"""What the API accepts and answers about workers on other machines."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from soniquebay.authority import MAX_REQUEST_BYTES


class JoinCode(BaseModel):
    """A code that lets one worker join."""

    code: str
    lifetime_seconds: float


class JoinRequest(BaseModel):
    """A worker that wants to join."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    version: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[ -~]+$")]
    feature_version: Annotated[int, Field(ge=0, le=2**31, description="of the vectors that it computes")]
    certificate_request: Annotated[
        str, StringConstraints(min_length=1, max_length=MAX_REQUEST_BYTES), Field(description="PKCS #10 in PEM")
    ]
    proof: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9a-f]{64}$"),
        Field(description="HMAC-SHA256 of the other fields by the join code, see `soniquebay/joining.py`"),
    ]


class Joined(BaseModel):
    """The credentials of a worker. None of them is a secret."""

    model_config = ConfigDict(from_attributes=True)

    certificate: str = Field(description="of the worker, in PEM")
    authority: str = Field(description="certificate of this machine's authority, in PEM")
    port: int = Field(description="of the worker proxy")
    proof: str = Field(description="that this machine knows the code, too")


class RemoteWorker(BaseModel):
    """A worker on another machine."""

    name: str
    version: str = Field(description="of SoniqueBay there, as it says itself")
    joined_at: float = Field(description="Unix time")
    seen_at: float | None = Field(description="Unix time of a request, at most ten minutes older than the last one")
    is_present: bool = Field(description="whether it was heard of in the last minute")
    analysed: int = Field(description="how many tracks it has analysed since it joined")
    suspended_at: float | None = Field(
        description="Unix time since when it may not connect, because an analysis of it was wrong; until it joins again"
    )
    suspended_because: str | None = Field(description="what was wrong")


class RemoteWorkerList(BaseModel):
    """All workers on other machines."""

    items: list[RemoteWorker]
