"""The paths that the fetcher serves, and the URL that each of them stands for. Nothing else is ever fetched."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from soniquebay.settings import Settings

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ARTIST = re.compile(rf"/musicbrainz/artist/({_UUID})")
_RELEASE = re.compile(rf"/musicbrainz/release/({_UUID})")
_COVER_LISTING = re.compile(rf"/coverart/(release|release-group)/({_UUID})")
_COVER_IMAGE = re.compile(rf"/coverart/release/({_UUID})/(\d{{1,20}})(-(?:250|500|1200))?\.jpg")
_MAX_QUERY_CHARACTERS = 1000
MAX_SEARCH_RESULTS = 25

JSON, PICTURE = "application/json", "image/*"
_MAX_BYTES = {JSON: 4 * 1024 * 1024, PICTURE: 16 * 1024 * 1024}


@dataclass(frozen=True, slots=True)
class Target:
    """What to fetch: a URL of a service, and the kind of answer to accept (`JSON` or `PICTURE`)."""

    service: str
    url: str
    accept: str

    @property
    def max_bytes(self) -> int:
        """The largest answer that is accepted."""
        return _MAX_BYTES[self.accept]


def resolve(path: str, settings: Settings) -> Target | None:
    """Return the target of a path; None if it is not one of these.

    They are lookups and a search in MusicBrainz's web service 2, and listings and pictures of the Cover Art Archive. A
    client chooses an id or the search query, and nothing else of the request.
    """
    parts = urlsplit(path)
    base_url = settings.musicbrainz_url
    if match := _ARTIST.fullmatch(path):
        return Target("musicbrainz", f"{base_url}/artist/{match[1]}?inc=genres&fmt=json", JSON)
    if match := _RELEASE.fullmatch(path):
        parameters = "inc=artist-credits+labels+release-groups+genres&fmt=json"
        return Target("musicbrainz", f"{base_url}/release/{match[1]}?{parameters}", JSON)
    if parts.path == "/musicbrainz/release":
        query = parse_qs(parts.query).get("query", [""])[0]
        if 0 < len(query) <= _MAX_QUERY_CHARACTERS:
            parameters = urlencode({"query": query, "limit": MAX_SEARCH_RESULTS, "fmt": "json"})
            return Target("musicbrainz", f"{base_url}/release?{parameters}", JSON)
    base_url = settings.coverart_url
    if match := _COVER_LISTING.fullmatch(path):
        return Target("coverart", f"{base_url}/{match[1]}/{match[2]}", JSON)
    if match := _COVER_IMAGE.fullmatch(path):
        return Target("coverart", f"{base_url}/release/{match[1]}/{match[2]}{match[3] or ''}.jpg", PICTURE)
    return None
