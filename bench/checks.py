"""That a scan found what is there: every track with its tags and duration, against the generator's own list."""

from collections.abc import Iterable
from typing import Any

from bench.library import Expected
from soniquebay.cli.follow import client_of

TOLERANCE = 0.1  # seconds; an encoder pads the end


def check_listing(url: str, expected: Iterable[Expected]) -> None:
    """Compare all pages of /api/tracks with the list; raises ``AssertionError`` with what differs."""
    wanted = {track.path: track for track in expected}
    found: dict[str, dict[str, Any]] = {}
    with client_of(url) as client:
        while True:
            page = client.get("/api/tracks", params={"limit": 500, "offset": len(found)}).raise_for_status().json()
            found |= {item["path"]: item for item in page["items"]}
            if not page["items"]:
                break
    assert len(found) == len(wanted), f"{len(found)} tracks listed of {len(wanted)}"
    wrong = [path for path, item in found.items() if path not in wanted or not same(item, wanted[path])]
    assert not wrong, f"{len(wrong)} tracks differ, such as {found[wrong[0]]} for {wanted.get(wrong[0])}"


def check_search(url: str, expected: Iterable[Expected]) -> int:
    """Find every track by title, artist and album; raises ``AssertionError`` for the first that is not found."""
    count = 0
    with client_of(url) as client:
        for track in expected:
            query = f"{track.title} {track.artist} {track.album}"
            items = client.get("/api/search", params={"q": query, "limit": 500}).raise_for_status().json()["items"]
            hits = [item for item in items if item["path"] == track.path]
            assert len(hits) == 1 and same(hits[0], track), f"{track} not among the {len(items)} found for {query!r}"
            count += 1
    return count


def same(item: dict[str, Any], track: Expected) -> bool:
    """Tell whether a track of the API is the one that was made."""
    facts = (item["title"], item["artist"], item["album"])
    return facts == (track.title, track.artist, track.album) and abs(item["duration"] - track.duration) < TOLERANCE
