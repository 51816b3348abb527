"""A test double of MusicBrainz's web service 2 and the Cover Art Archive.

It serves HTTP on a local port. The answers have the form that the services document.
"""

import json
import re
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

NOT_FOUND = {"error": "Not Found", "help": "For usage, please see: https://musicbrainz.org/development/mmd"}
BUSY = {
    "error": "Your requests are exceeding the allowable rate limit. "
    "Please see http://wiki.musicbrainz.org/XMLWebService for more information."
}
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass
class Failure:
    """What the double answers in place of a proper answer; with status 200 and no body it is only slow."""

    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = json.dumps(BUSY).encode()
    delay_seconds: float = 0.0
    times: int = 10**9  # how many requests it concerns


class UpstreamDouble:
    """Both services on one port: MusicBrainz at `{url}/ws/2`, the archive at `{url}`."""

    def __init__(self, port: int = 0, certificate: Path | None = None) -> None:
        self.artists: dict[str, dict[str, Any]] = {}
        self.releases: dict[str, dict[str, Any]] = {}
        self.results: list[dict[str, Any]] = []
        # ("release" or "release-group", MBID) to (MBID of the release that has the picture, picture)
        self.pictures: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.requests: list[tuple[float, str, dict[str, str]]] = []  # monotonic seconds, path, headers
        self.failure: Failure | None = None
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                double._respond(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()

    def environment(self) -> dict[str, str]:
        """Return the settings with which SoniqueBay uses the double."""
        return {
            "SONIQUEBAY_ONLINE": "on",
            "SONIQUEBAY_MUSICBRAINZ_URL": f"{self.url}/ws/2",
            "SONIQUEBAY_COVERART_URL": self.url,
        }

    def paths(self, part: str = "") -> list[str]:
        """Return the requested paths that contain `part`."""
        return [path for _, path, _ in self.requests if part in path]

    def add_artist(self, mbid: str, name: str, *genres: str) -> None:
        self.artists[mbid] = {
            "id": mbid, "name": name, "sort-name": f"{name}, The", "type": "Group", "country": "IS",
            "type-id": "e431f5f6-b5d2-343d-8b36-72607fffb74b", "gender": None, "gender-id": None, "disambiguation": "",
            "life-span": {"begin": "1994", "end": None, "ended": False}, "isnis": [], "ipis": [],
            "area": {"id": "00000000-0000-4000-8000-000000000000", "name": "Iceland", "sort-name": "Iceland",
                     "iso-3166-1-codes": ["IS"], "disambiguation": "", "type": None, "type-id": None},
            "begin-area": None, "end-area": None, "genres": _genres(genres),
        }  # fmt: skip

    def add_release(self, mbid: str, title: str, group: str, *genres: str) -> None:
        self.releases[mbid] = {
            "id": mbid, "title": title, "status": "Official", "status-id": "4e304316-386d-3409-af2e-78857eec5cfe",
            "date": "1999-06-12", "country": "IS", "barcode": None, "asin": None, "quality": "normal",
            "packaging": "Digipak", "disambiguation": "", "genres": [],
            "text-representation": {"language": "isl", "script": "Latn"},
            "label-info": [{"catalog-number": "SM 67CD",
                            "label": {"id": "11111111-0000-4000-8000-000000000001", "name": "Smekkleysa",
                                      "sort-name": "Smekkleysa", "disambiguation": "", "label-code": None}}],
            "release-group": {"id": group, "title": title, "primary-type": "Album", "secondary-types": [],
                              "first-release-date": "1999-06-12", "disambiguation": "", "genres": _genres(genres)},
            "cover-art-archive": {"artwork": True, "count": 1, "front": True, "back": False, "darkened": False},
            "artist-credit": [], "release-events": [],
        }  # fmt: skip

    def add_result(self, mbid: str, title: str, artist: str, group: str, tracks: int) -> None:
        """Add a release to the answer of every search."""
        credit = {"name": artist, "artist": {"id": "22222222-0000-4000-8000-000000000002", "name": artist,
                                             "sort-name": artist}}  # fmt: skip
        self.results.append({
            "id": mbid, "score": 100, "status-id": "4e304316-386d-3409-af2e-78857eec5cfe", "count": 1,
            "title": title, "status": "Official", "date": "2001", "country": "DE", "artist-credit": [credit],
            "release-group": {"id": group, "title": title, "primary-type": "Album"}, "track-count": tracks,
            "media": [{"format": "CD", "disc-count": 1, "track-count": tracks}],
        })  # fmt: skip

    def add_picture(self, kind: str, mbid: str, picture: bytes, release: str | None = None) -> None:
        """Add a front cover of a release, or of a release group; `release` is then the one that has the picture."""
        self.pictures[kind, mbid] = (release or mbid, picture)

    def _respond(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append((time.monotonic(), request.path, dict(request.headers)))
        failure = self.failure
        if failure is not None and failure.times > 0:
            failure.times -= 1
            time.sleep(failure.delay_seconds)
            if failure.status != 200 or failure.body:
                _send(request, failure.status, failure.body, failure.headers)
                return
        path = urlsplit(request.path).path
        if path.startswith("/ws/2/"):
            self._musicbrainz(request, path.removeprefix("/ws/2/"))
        elif path.startswith("/download/"):
            self._archive(request, path)
        else:
            self._coverart(request, path)

    def _musicbrainz(self, request: BaseHTTPRequestHandler, path: str) -> None:
        query = parse_qs(urlsplit(request.path).query)
        kind, _, mbid = path.partition("/")
        if not re.match(r"[^/]+/[\w.]+ \( .+ \)$", request.headers["User-Agent"] or ""):
            _json(request, {"error": "no User-Agent with a contact"}, 403)
        elif query.get("fmt") != ["json"]:
            _send(request, 200, b'<?xml version="1.0" encoding="UTF-8"?><metadata/>', {"Content-Type": "text/xml"})
        elif path == "release" and "query" in query:
            answer = {"created": "2024-01-01T00:00:00.000Z", "count": len(self.results), "offset": 0}
            _json(request, {**answer, "releases": self.results})
        elif not re.fullmatch(_UUID, mbid):
            _json(request, {"error": "Invalid mbid.", "help": NOT_FOUND["help"]}, 400)
        else:
            entity = {"artist": self.artists, "release": self.releases}[kind].get(mbid)
            _json(request, entity or NOT_FOUND, 200 if entity else 404)

    def _coverart(self, request: BaseHTTPRequestHandler, path: str) -> None:
        listing = re.fullmatch(rf"/(release|release-group)/({_UUID})/?", path)
        image = re.fullmatch(rf"/release/({_UUID})/(\d+)(?:-(\d+))?\.jpg", path)
        if listing and (listing[1], listing[2]) in self.pictures:
            location = f"/download/mbid-{listing[2]}/{listing[1]}.json"
        elif image:
            location = f"/download/mbid-{image[1]}/mbid-{image[1]}-{image[2]}_thumb{image[3]}.jpg"
        else:
            _send(request, 404, b"<!doctype html><title>404 Not Found</title>", {"Content-Type": "text/html"})
            return
        headers = {"Location": self.url + location, "Content-Type": "text/plain"}
        _send(request, 307, f"See: {location}\n".encode(), headers)

    def _archive(self, request: BaseHTTPRequestHandler, path: str) -> None:
        mbid = re.findall(_UUID, path)[0]
        if path.endswith(".json"):
            kind = path.rpartition("/")[2].removesuffix(".json")
            _json(request, self._listing(self.pictures[kind, mbid][0]))
            return
        picture = next((data for release, data in self.pictures.values() if release == mbid), None)
        if picture is None:
            _send(request, 404, b"", {})
        else:
            _send(request, 200, picture, {"Content-Type": "image/jpeg"})

    def _listing(self, release: str) -> dict[str, Any]:
        base = f"http://coverartarchive.org/release/{release}/829521842"
        thumbnails = {size: f"{base}-{pixels}.jpg" for size, pixels in (
            ("250", 250), ("500", 500), ("1200", 1200), ("small", 250), ("large", 500))}  # fmt: skip
        back = {"types": ["Back"], "front": False, "back": True, "edit": 1, "image": f"{base[:-1]}3.jpg", "comment": "",
                "approved": True, "id": "829521843", "thumbnails": {}}  # fmt: skip
        front = {"types": ["Front"], "front": True, "back": False, "edit": 17462565, "image": f"{base}.jpg",
                 "comment": "", "approved": True, "id": 829521842, "thumbnails": thumbnails}  # fmt: skip
        return {"images": [back, front], "release": f"https://musicbrainz.org/release/{release}"}


def _genres(names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"id": f"33333333-0000-4000-8000-{number:012}", "name": name, "count": number, "disambiguation": ""}
        for number, name in enumerate(reversed(names), start=1)
    ]


def _json(request: BaseHTTPRequestHandler, content: Any, status: int = 200) -> None:
    _send(request, status, json.dumps(content).encode(), {"Content-Type": "application/json; charset=utf-8"})


def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
