"""What may be fetched at all: a few forms of path, and the address each stands for."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from soniquebay.settings import Settings

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ARTIST = re.compile(rf"/musicbrainz/artist/({_UUID})")
_RELEASE = re.compile(rf"/musicbrainz/release/({_UUID})")
_INDEX = re.compile(rf"/coverart/(release|release-group)/({_UUID})")
_IMAGE = re.compile(rf"/coverart/release/({_UUID})/(\d{{1,20}})(-(?:250|500|1200))?\.jpg")
_LONGEST_QUERY = 1000  # characters
SEARCH_RESULTS = 25

JSON, PICTURE = "application/json", "image/*"
_LIMITS = {JSON: 4 * 1024 * 1024, PICTURE: 16 * 1024 * 1024}  # bytes


@dataclass(frozen=True, slots=True)
class Target:
    """An address to fetch: of which service, of what kind, and how large it may be in bytes."""

    service: str
    url: str
    kind: str

    @property
    def limit(self) -> int:
        """The most that is read."""
        return _LIMITS[self.kind]


def target(path: str, settings: Settings) -> Target | None:
    """Return what a path stands for; None for every other one.

    MusicBrainz web service 2 (JSON) and the Cover Art Archive. Who asks can choose an id or the words of a search, and
    nothing else of the request.
    """
    parts = urlsplit(path)
    base = settings.musicbrainz_url
    if found := _ARTIST.fullmatch(path):
        return Target("musicbrainz", f"{base}/artist/{found[1]}?inc=genres&fmt=json", JSON)
    if found := _RELEASE.fullmatch(path):
        wanted = "inc=artist-credits+labels+release-groups+genres&fmt=json"
        return Target("musicbrainz", f"{base}/release/{found[1]}?{wanted}", JSON)
    if parts.path == "/musicbrainz/release":
        words = parse_qs(parts.query).get("query", [""])[0]
        if 0 < len(words) <= _LONGEST_QUERY:
            query = urlencode({"query": words, "limit": SEARCH_RESULTS, "fmt": "json"})
            return Target("musicbrainz", f"{base}/release?{query}", JSON)
    base = settings.coverart_url
    if found := _INDEX.fullmatch(path):
        return Target("coverart", f"{base}/{found[1]}/{found[2]}", JSON)
    if found := _IMAGE.fullmatch(path):
        return Target("coverart", f"{base}/release/{found[1]}/{found[2]}{found[3] or ''}.jpg", PICTURE)
    return None
