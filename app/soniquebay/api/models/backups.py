"""Copies of the databases on the card and in a second place."""

from pydantic import BaseModel, Field

from soniquebay.api.models.fields import EncodedPath, UnixTime


class BackupState(BaseModel):
    """A backup on the card."""

    name: str = Field(description="the name of its folder, which `soniquebay library restore` takes")
    problem: str | None = Field(description="why it cannot be used; then nothing else is known of it")
    number: int | None = Field(description="grows with each backup, whatever the clock says")
    made_at: UnixTime | None = Field(description="by the clock of this machine at that time")
    reason: str | None = Field(
        description="`night`, `day`: a day had passed; `scan`: a scan had changed many tracks; `request`; `command`"
    )
    version: str | None = Field(description="of the release that has made it")
    bytes: int | None
    tracks: int | None
    users: int | None


class Backups(BaseModel):
    """The backups, and how the last attempt went."""

    items: list[BackupState] = Field(description="on the card, the newest first; last those that cannot be used")
    running: bool = Field(description="a backup is being made now")
    problem: str | None = Field(description="why the last attempt has failed")
    second_place: EncodedPath | None = Field(description="the setting SONIQUEBAY_BACKUP_FOLDER")
    second_problem: str | None = Field(description="why the last backup is not there")
