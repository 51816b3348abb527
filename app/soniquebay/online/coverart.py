"""The Cover Art Archive: the front cover of a release, or else of its release group."""

import json
import re
from typing import Any

from soniquebay.audio.picture_decoding import UnusablePictureError
from soniquebay.audio.pictures import Picture, decode_picture
from soniquebay.online.client import fetch
from soniquebay.online.errors import UpstreamError

_PREFERRED_SIZES_PIXELS = ("1200", "500")  # of the archive's own thumbnails; an original may be of any size
_RELEASE_AT_END = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_IMAGE_ID = re.compile(r"\d{1,20}")


def fetch_front_cover(mbid: str, group_mbid: str | None) -> Picture | None:
    """Return the front cover of a release, or else of its release group; None if neither has one that can be shown.

    Raises `UpstreamError`.
    """
    entities = [f"release/{mbid}"] + ([f"release-group/{group_mbid}"] if group_mbid else [])
    for entity in entities:
        listing = fetch(f"/coverart/{entity}")
        path = None if listing is None else front_cover_path(listing)
        data = None if path is None else fetch(path)
        if data is not None:
            try:
                return decode_picture(data)
            except UnusablePictureError:
                continue  # the release group may have one that is intact
    return None


def front_cover_path(listing: bytes) -> str | None:
    """Return the fetcher's path of the front cover in the archive's listing (JSON) of a release; None without one.

    Raises `UpstreamError` when the listing does not have the documented form.
    """
    try:
        content = json.loads(listing)
        images = [image for image in content["images"] if image.get("front")]
        release = _RELEASE_AT_END.search(content["release"])
        if not images or not release:
            return None
        # Prefer an image that the archive's editors have approved.
        image: dict[str, Any] = max(images, key=lambda image: bool(image.get("approved")))
        image_id = str(image["id"])
        thumbnails = image.get("thumbnails", {})
        suffix = next((f"-{size}" for size in _PREFERRED_SIZES_PIXELS if thumbnails.get(size)), "")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise UpstreamError(f"the Cover Art Archive sent an invalid listing: {error!r}", answered=True) from error
    return f"/coverart/release/{release[0]}/{image_id}{suffix}.jpg" if _IMAGE_ID.fullmatch(image_id) else None
