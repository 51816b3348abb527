"""The requests that the fetcher sends for the API: to the services that are told what users hear, and nowhere else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from soniquebay.settings import Settings

MAX_BODY_BYTES = 10_240_000  # what ListenBrainz takes: 1,000 listens of 10 kB
MAX_ANSWER_BYTES = 1024 * 1024
LASTFM_METHODS = frozenset({"auth.getToken", "auth.getSession", "track.scrobble", "track.updateNowPlaying"})
# HTTP's library puts a header that it refuses into its error, so what is not plain never reaches it.
_TOKEN = re.compile(r"Token [!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request to a service."""

    service: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service has answered. Its status may be one of refusal."""

    status: int
    content: Mapping[str, Any]
    """A JSON object."""
    wait_seconds: float = 0.0
    """How long the service asks to wait before the next request."""


def resolve(path: str, authorization: str, body: bytes, settings: Settings) -> Exchange | None:
    """Return the request that a path stands for; None if it is not one of these.

    The sender chooses the token and the body, and of Last.fm one of four methods. The addresses are settings.
    """
    if path.startswith("/listenbrainz/"):
        headers = {"Authorization": authorization}
        base = f"{settings.listenbrainz_url}/1"
        if not _TOKEN.fullmatch(authorization):
            return None
        if path == "/listenbrainz/validate-token":
            return Exchange("listenbrainz", "GET", f"{base}/validate-token", headers)
        if path == "/listenbrainz/submit-listens":
            headers["Content-Type"] = "application/json"
            return Exchange("listenbrainz", "POST", f"{base}/submit-listens", headers, body)
    if path == "/lastfm":
        methods = parse_qs(body.decode("ascii", "replace")).get("method", [])
        if len(methods) == 1 and methods[0] in LASTFM_METHODS:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            return Exchange("lastfm", "POST", f"{settings.lastfm_url}/", form, body)
    return None
