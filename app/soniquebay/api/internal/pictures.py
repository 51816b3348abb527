"""Pictures and thumbnails themselves, as the bytes of a request."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request

from soniquebay.api.internal.routes import Answer, InternalRoute, in_thread
from soniquebay.api.services import Shared
from soniquebay.audio.picture_format import MAX_PICTURE_BYTES, THUMBNAIL_MEDIA_TYPES, THUMBNAIL_SIZES_PIXELS, media_type
from soniquebay.library import covers

router = APIRouter(prefix="/internal", route_class=InternalRoute)
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


@router.put("/covers/{album_id}")
async def store_cover(services: Shared, album_id: int, request: Request) -> Answer:
    """Store a picture from the internet as an album's cover. Its media type is read from its bytes."""
    data = await request.body()
    kind = _picture_kind(data)

    def store() -> bool:
        # Before the transaction, so that no other writer waits for the card.
        covers.write_picture(services.settings.covers, covers.digest_of(data), data)
        with services.database.transaction() as db:
            return covers.store(db, services.settings.covers, album_id, data, kind)

    return {"stored": await in_thread(store)}


@router.put("/pictures/{digest}")
async def store_picture(services: Shared, digest: Digest, request: Request) -> Answer:
    """Store a picture with this SHA-256. What it shows is told by the request that follows."""
    data = await request.body()
    _picture_kind(data)
    if covers.digest_of(data) != digest:
        raise HTTPException(422, "the SHA-256 of the picture is another one")
    await in_thread(covers.write_picture, services.settings.covers, digest, data)
    return {}


@router.put("/thumbnails/{digest}/{size}")
async def store_thumbnail(services: Shared, digest: Digest, size: int, request: Request) -> Answer:
    """Store a thumbnail, JPEG or WebP, of the picture with this SHA-256; before the picture itself is stored."""
    data = await request.body()
    kind = _picture_kind(data)
    suffix = next((suffix for suffix, media_type in THUMBNAIL_MEDIA_TYPES.items() if media_type == kind), None)
    if size not in THUMBNAIL_SIZES_PIXELS or suffix is None:
        raise HTTPException(422, f"not a JPEG or WebP of one of the sizes {THUMBNAIL_SIZES_PIXELS}")
    await in_thread(covers.write_picture, services.settings.covers, digest, data, size, suffix)
    return {}


def _picture_kind(data: bytes) -> str:
    kind = media_type(data)
    if kind is None or len(data) > MAX_PICTURE_BYTES:
        raise HTTPException(422, "not a picture of a known format, or too large")
    return kind
