"""Which pictures belong to an album, a track or an artist. The pictures were stored before, each under its SHA-256."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from soniquebay.api.internal.routes import Answer, InternalRoute
from soniquebay.api.services import Services, Shared
from soniquebay.library import artist_pictures, covers

router = APIRouter(prefix="/internal", route_class=InternalRoute)
PictureDigest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class AlbumPictures(BaseModel):
    """What the files of an album hold: the SHA-256 of pictures that were stored before."""

    cover: PictureDigest | None = None
    discs: dict[int, PictureDigest] = {}
    """By number of the disc."""
    picture_keys: dict[str, Annotated[int, Field(ge=0, lt=2**63)]] = {}
    """By encoded path of a file with a picture; the keys of different pictures differ."""
    unavailable_file: str | None = None
    """The encoded path of a file of the album that was unavailable."""
    state: str
    """What `covers.state_of_files` was before the search."""


class TrackPicture(BaseModel):
    """What a track has of its own: the SHA-256 of a picture that was stored before."""

    cover: PictureDigest | None = None
    unavailable_file: str | None = None
    """The track's encoded path, if the file was unavailable."""


class ArtistPicture(BaseModel):
    """What was found for an artist: the SHA-256 of a picture that was stored before."""

    picture: PictureDigest | None = None
    folder: str | None = None
    """The encoded folder of the picture, with a slash at its end."""
    changes: int = Field(ge=0, lt=2**63)
    """Those of `artist_pictures.Search`."""


@router.put("/covers/album/{album_id}")
def set_album_pictures(services: Shared, album_id: int, found: AlbumPictures) -> Answer:
    """Note which pictures the files of an album hold. If a file has changed since, the album is searched again."""
    cover = _stored_cover(services, found.cover)
    discs = {disc_no: _stored_cover(services, digest) for disc_no, digest in found.discs.items()}
    with services.database.transaction() as db:
        if found.state == covers.state_of_files(db, album_id):
            if found.unavailable_file is not None:
                covers.mark_checked(db, "album", album_id, found.unavailable_file)
            if found.unavailable_file is None or not covers.has_cover(db, album_id):
                covers.set_picture_keys(db, album_id, found.picture_keys)
                covers.set_from_files(db, album_id, cover, {no: disc for no, disc in discs.items() if disc})
            artist_pictures.note_album(db, album_id)
    services.tasks_finished(services.dispatcher.cover_feeder, [("album", album_id)])
    return {}


@router.put("/covers/track/{track_id}")
def set_track_picture(services: Shared, track_id: int, found: TrackPicture) -> Answer:
    """Note which picture of its own a track has."""
    cover = _stored_cover(services, found.cover)
    with services.database.transaction() as db:
        if found.unavailable_file is not None:
            covers.mark_checked(db, "track", track_id, found.unavailable_file)
        else:
            covers.set_of_track(db, track_id, cover)
        artist_pictures.note_track(db, track_id)
    services.tasks_finished(services.dispatcher.cover_feeder, [("track", track_id)])
    return {}


@router.put("/covers/artist/{artist_id}")
def set_artist_picture(services: Shared, artist_id: int, found: ArtistPicture) -> Answer:
    """Note which picture an artist has."""
    cover = _stored_cover(services, found.picture)
    with services.database.transaction() as db:
        artist_pictures.set_picture(db, artist_id, found.changes, cover, found.folder)
    services.tasks_finished(services.dispatcher.cover_feeder, [("artist", artist_id)])
    return {}


@router.post("/covers/{kind}/{item_id}/failed")
def mark_cover_failed(services: Shared, kind: Literal["album", "track", "artist"], item_id: int) -> Answer:
    """Note that the search for a cover failed for good. It is repeated once one of the files has changed."""
    with services.database.transaction() as db:
        if kind == "artist":
            artist_pictures.keep_picture(db, item_id)
        else:
            covers.mark_checked(db, kind, item_id)
    services.tasks_finished(services.dispatcher.cover_feeder, [(kind, item_id)])
    return {}


def _stored_cover(services: Services, digest: str | None) -> covers.Cover | None:
    """Return the cover of a picture that was stored before; answers 422 if it was not."""
    if digest is None:
        return None
    cover = covers.stored(services.settings.covers, digest)
    if cover is None:
        raise HTTPException(422, f"no picture {digest}")
    return cover
