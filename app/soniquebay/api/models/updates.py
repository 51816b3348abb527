"""The release that runs, those that are offered, and what came of earlier updates."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from soniquebay.api.models.fields import EncodedPath, UnixTime
from soniquebay.releases import journal, offers


class OfferedRelease(BaseModel):
    """A release archive on a drive of music, or one that was uploaded."""

    path: EncodedPath
    version: str = Field(description="as its name tells it; it is checked when the release is installed")
    bytes: int
    place: Literal["drive", "upload"]
    state: offers.State = Field(
        description="`newer`: it can be installed; `same`, `older`: than the release that runs; `unsigned`: no "
        "signature lies beside it; `not_a_file`: a link, a folder or a pipe; `too_large`: no release is that large"
    )


class UploadState(BaseModel):
    """An archive that a browser is sending."""

    id: str
    name: str
    bytes: int = Field(description="of the whole archive")
    received: int = Field(description="bytes that have arrived; the next part begins there")


class Installing(BaseModel):
    """A release that is being installed."""

    version: str
    step: Literal["requested", "checking"] | journal.Step = Field(
        description="`requested`: the machine has not begun; `checking`: copied, verified and unpacked; `prepared`, "
        "`switching`: its programs start; `healthy`; `undoing`: the release before is made to run again"
    )


class RefusedRelease(BaseModel):
    """Why the last release that was asked for was not installed, before anything was changed."""

    version: str
    reason: str
    at: UnixTime


class PastUpgrade(BaseModel):
    """An upgrade, or a return to an older release."""

    old: str
    new: str
    step: journal.Step = Field(
        description="`finished`; `undone`: the old release runs again; `failed`: and is not healthy either; others: it "
        "runs still"
    )
    began_at: UnixTime
    reason: str = Field(description="why it was undone")


class Updates(BaseModel):
    """The releases of this machine, and those that it could have."""

    version: str = Field(description="of the release that runs")
    installable: bool = Field(description="whether this machine installs releases; `soniquebay serve` does not")
    trusts_keys: bool = Field(description="whether the release that runs has keys, without which nothing is installed")
    offers: list[OfferedRelease] = Field(description="the newest first")
    silent: bool = Field(description="a drive does not answer, so there may be more")
    upload: UploadState | None
    installing: Installing | None
    refused: RefusedRelease | None
    upgrades: list[PastUpgrade] = Field(description="the newest first")


class UploadRequest(BaseModel):
    """An archive that is to be uploaded."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=200, description="of the file, `soniquebay-<version>-aarch64.tar.gz`")
    bytes: int = Field(ge=1, le=1 << 40)
    signature: str = Field(
        min_length=1, max_length=offers.MAX_SIGNATURE_BYTES, description="the content of the file beside it, `….sig`"
    )


class InstallRequest(BaseModel):
    """Which release is to be installed."""

    model_config = ConfigDict(extra="forbid")
    path: str = Field(max_length=10_000, description="of one of the offers, as it is told there")
