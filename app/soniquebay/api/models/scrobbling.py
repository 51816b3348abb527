"""What the API accepts and answers about the services that are told what users hear."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from soniquebay.api.models.fields import UnixTime
from soniquebay.listeners.scrobbles import Service

_Secret = Annotated[str, StringConstraints(pattern="^[!-~]{1,200}$")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Token(_Request):
    """A user's token of ListenBrainz."""

    token: _Secret = Field(
        description="from https://listenbrainz.org/settings/, or of another server that speaks its API"
    )


class LastfmKey(_Request):
    """A key of Last.fm's API, with its secret."""

    api_key: _Secret = Field(description="from https://www.last.fm/api/account/create")
    secret: _Secret = Field(description="the shared secret of the key")


class Approval(BaseModel):
    """Where a user lets the appliance scrobble."""

    url: str = Field(description="to be opened in a browser within an hour; then `POST …/lastfm/approved`")


class ScrobblingAccount(BaseModel):
    """What became of the plays for one service."""

    service: Service
    state: Literal["none", "approval", "connected", "renewal"] = Field(
        description="`approval`: the user has not approved yet. `renewal`: the service knows the token or session no "
        "longer, so the user has to connect it anew; plays wait until then"
    )
    name: str | None = Field(description="of the user at the service")
    server: str = Field(description="the address of the service")
    waiting: int = Field(description="plays that have not been sent")
    sent_at: UnixTime | None = Field(description="when the service took plays last")
    problem: str | None = Field(description="why plays wait")
    retry_at: UnixTime | None = Field(description="when they are sent again, after a problem")
    dropped: int = Field(description="plays that were not sent, and will not be")
    dropped_reason: str | None = Field(description="of the last of them")


class Scrobbling(BaseModel):
    """The services that are told what a user hears."""

    online: bool = Field(description="false: a setting forbids the internet, so plays wait")
    items: list[ScrobblingAccount]
