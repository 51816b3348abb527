"""The Cover Art Archive: the front cover of a release, else of its release group."""

import json
import re
from typing import Any

from soniquebay.audio.pictures import Picture, UnusablePictureError, decode_picture
from soniquebay.online.client import fetch
from soniquebay.online.errors import UpstreamError

_SIZES = ("1200", "500")  # pixels of the archive's own copies; its originals may be of any size
_RELEASE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_IMAGE = re.compile(r"\d{1,20}")


def front(mbid: str, group_mbid: str | None) -> Picture | None:
    """Return a release's front cover; None if the archive has none that can be shown.

    Raises `UpstreamError`.
    """
    places = [f"release/{mbid}"] + ([f"release-group/{group_mbid}"] if group_mbid else [])
    for place in places:
        index = fetch(f"/coverart/{place}")
        path = None if index is None else front_path(index)
        data = None if path is None else fetch(path)
        if data is not None:
            try:
                return decode_picture(data)
            except UnusablePictureError:
                continue  # theirs, too, may be damaged: the group may have a better one
    return None


def front_path(index: bytes) -> str | None:
    """Return the fetcher's path of the front cover in an index of the archive; None if it lists none."""
    try:
        listing = json.loads(index)
        images = [image for image in listing["images"] if image.get("front")]
        release = _RELEASE.search(listing["release"])
        if not images or not release:
            return None
        # One that a person has looked at, before one that waits for it.
        image: dict[str, Any] = max(images, key=lambda image: bool(image.get("approved")))
        number = str(image["id"])
        size = next((f"-{size}" for size in _SIZES if image.get("thumbnails", {}).get(size)), "")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise UpstreamError(f"the Cover Art Archive sent no listing: {error!r}", answered=True) from error
    return f"/coverart/release/{release[0]}/{number}{size}.jpg" if _IMAGE.fullmatch(number) else None
