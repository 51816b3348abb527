"""A test double of ListenBrainz's API and Last.fm's web service.

It serves HTTP on a local port, checks what it is sent as the services document it, and answers as they do.
"""

import hashlib
import json
import re
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

API_KEY, SECRET = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
FIRST_LISTEN = 1033430400
MAX_LISTEN_BYTES = 10240
_TRACK_PARAMETERS = {"artist", "track", "timestamp", "album", "trackNumber", "mbid", "albumArtist", "duration"}
_MESSAGES = {
    4: "Authentication Failed - You do not have permissions to access the service",
    6: "Invalid parameters - Your request is missing a required parameter",
    9: "Invalid session key - Please re-authenticate",
    10: "Invalid API key - You must be granted a valid key by last.fm",
    11: "Service Offline - This service is temporarily offline. Try again later.",
    13: "Invalid method signature supplied",
    14: "Unauthorized Token - This token has not been authorized",
    16: "There was a temporary error processing your request. Please try again",
    29: "Rate limit exceeded - Your IP has made too many requests in a short period",
}
_STATUS = {6: 400, 11: 503, 16: 503, 29: 429}


@dataclass
class Reply:
    """What the double answers in place of a proper answer."""

    status: int
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


def lastfm_error(code: int, status: int | None = None) -> Reply:
    """Return Last.fm's answer with an error code; `status`: if another one than is usual."""
    body = json.dumps({"error": code, "message": _MESSAGES[code], "links": []}).encode()
    return Reply(status or _STATUS.get(code, 403), body)


def listenbrainz_error(code: int, error: str, **headers: str) -> Reply:
    """Return ListenBrainz's answer with an error."""
    return Reply(code, json.dumps({"code": code, "error": error}).encode(), headers)


class ScrobblingDouble:
    """Both services on one port: ListenBrainz at `{url}/1`, Last.fm at `{url}/2.0`."""

    def __init__(self, port: int = 0) -> None:
        self.users: dict[str, str] = {}  # token to name, of ListenBrainz
        self.listens: list[dict[str, Any]] = []  # as stored: each track and second once
        self.playing_now: list[dict[str, Any]] = []
        self.submissions: list[tuple[str, int]] = []  # listen_type, and number of listens
        self.tokens: dict[str, str | None] = {}  # of Last.fm, to the name of the user who has approved it
        self.sessions: dict[str, str] = {}  # key to name
        self.scrobbles: list[dict[str, str]] = []
        self.announced: list[dict[str, str]] = []
        self.ignored: dict[str, int] = {}  # title to the code with which Last.fm ignores it
        self.refused: set[str] = set()  # titles that make a request of either service invalid
        self.replies: deque[Reply] = deque()
        self.requests: list[tuple[float, str, dict[str, str]]] = []  # monotonic seconds, path, headers
        self.bodies: list[bytes] = []
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                double._respond(self, b"")

            def do_POST(self) -> None:
                double._respond(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()

    def environment(self) -> dict[str, str]:
        """Return the settings with which SoniqueBay uses the double."""
        return {
            "SONIQUEBAY_ONLINE": "on",
            "SONIQUEBAY_LISTENBRAINZ_URL": self.url,
            "SONIQUEBAY_LASTFM_URL": f"{self.url}/2.0",
        }

    def approve(self, page: str, name: str) -> None:
        """Approve on Last.fm's page, as a person does."""
        query = dict(parse_qsl(urlsplit(page).query))
        assert (query["api_key"], self.tokens[query["token"]]) == (API_KEY, None)
        self.tokens[query["token"]] = name

    def _respond(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        path = urlsplit(request.path).path
        self.requests.append((time.monotonic(), request.path, dict(request.headers)))
        self.bodies.append(body)
        if self.replies:
            reply = self.replies.popleft()
        elif path == "/1/validate-token" and request.command == "GET":
            reply = self._validate(request)
        elif path == "/1/submit-listens" and request.command == "POST":
            reply = self._submit(request, body)
        elif path == "/2.0/" and request.command == "POST":
            reply = self._lastfm(request, body)
        else:
            reply = Reply(404, b"<!doctype html><title>404 Not Found</title>", {"Content-Type": "text/html"})
        request.send_response(reply.status)
        defaults = {"Content-Type": "application/json", "Content-Length": str(len(reply.body))}
        for name, value in (defaults | reply.headers).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(reply.body)

    # --- ListenBrainz ------------------------------------------------------------------------------------------------

    def _user(self, request: BaseHTTPRequestHandler) -> str | None:
        scheme, _, token = (request.headers["Authorization"] or "").partition(" ")
        return self.users.get(token) if scheme == "Token" else None

    def _validate(self, request: BaseHTTPRequestHandler) -> Reply:
        name = self._user(request)
        if name is None:
            return _json({"code": 200, "message": "Token invalid.", "valid": False})
        return _json({"code": 200, "message": "Token valid.", "valid": True, "user_name": name})

    def _submit(self, request: BaseHTTPRequestHandler, body: bytes) -> Reply:
        if self._user(request) is None:
            return listenbrainz_error(401, "Invalid authorization token.")
        document = json.loads(body)
        kind, listens = document["listen_type"], document["payload"]
        self.submissions.append((kind, len(listens)))
        if document.keys() != {"listen_type", "payload"} or not listens or (kind != "import" and len(listens) > 1):
            return listenbrainz_error(400, "Invalid JSON document submitted.")
        if len(listens) > 1000 or len(body) > len(listens) * MAX_LISTEN_BYTES:
            return listenbrainz_error(400, "JSON document is too large.")
        for listen in listens:
            wrong = _wrong_listen(listen, kind)
            if wrong or listen["track_metadata"]["track_name"] in self.refused:
                return listenbrainz_error(400, wrong or "this track is refused")
        if kind == "playing_now":
            self.playing_now += listens
        else:
            known = {(listen["listened_at"], listen["track_metadata"]["track_name"]) for listen in self.listens}
            self.listens += [x for x in listens if (x["listened_at"], x["track_metadata"]["track_name"]) not in known]
        return _json({"status": "ok"})

    # --- Last.fm -----------------------------------------------------------------------------------------------------

    def _lastfm(self, request: BaseHTTPRequestHandler, body: bytes) -> Reply:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        form = dict(pairs)
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert len(form) == len(pairs)
        given, format_ = form.pop("api_sig", ""), form.pop("format", "xml")
        text = "".join(f"{name}{form[name]}" for name in sorted(form, key=lambda name: name.encode("ascii")))
        if form.get("api_key") != API_KEY:
            return lastfm_error(10)
        if hashlib.md5((text + SECRET).encode(), usedforsecurity=False).hexdigest() != given:
            return lastfm_error(13)
        assert format_ == "json"
        method = form["method"]
        if method == "auth.getToken":
            token = uuid.uuid4().hex
            self.tokens[token] = None
            return _json({"token": token})
        if method == "auth.getSession":
            return self._begin_session(form["token"])
        if form.get("sk") not in self.sessions:
            return lastfm_error(9)
        return {"track.scrobble": self._scrobble, "track.updateNowPlaying": self._now_playing}[method](form)

    def _begin_session(self, token: str) -> Reply:
        if token not in self.tokens:
            return lastfm_error(4)
        name = self.tokens[token]
        if name is None:
            return lastfm_error(14)
        del self.tokens[token]  # it is consumed
        key = uuid.uuid4().hex
        self.sessions[key] = name
        return _json({"session": {"subscriber": 0, "name": name, "key": key}})

    def _now_playing(self, form: dict[str, str]) -> Reply:
        told = {name: value for name, value in form.items() if name not in {"method", "sk", "api_key"}}
        assert told.keys() <= _TRACK_PARAMETERS - {"timestamp"}
        self.announced.append(told)
        return _json({"nowplaying": {"ignoredMessage": {"code": "0", "#text": ""}}})

    def _scrobble(self, form: dict[str, str]) -> Reply:
        scrobbles: dict[int, dict[str, str]] = {}
        for name, value in form.items():
            if match := re.fullmatch(r"(\w+)\[(\d+)\]", name):
                scrobbles.setdefault(int(match[2]), {})[match[1]] = value
        assert sorted(scrobbles) == list(range(len(scrobbles)))
        if not 1 <= len(scrobbles) <= 50:
            return lastfm_error(6)
        answers = []
        for number in range(len(scrobbles)):
            told = scrobbles[number]
            assert told.keys() <= _TRACK_PARAMETERS
            if not {"artist", "track", "timestamp"} <= told.keys() or told["track"] in self.refused:
                return lastfm_error(6)
            code = self.ignored.get(told["track"], 0)
            code = code or (3 if int(told["timestamp"]) < time.time() - 14 * 86400 else 0)
            if not code and told not in self.scrobbles:
                self.scrobbles.append(told)
            answers.append({
                "artist": {"corrected": "0", "#text": told["artist"]},
                "album": {"corrected": "0", "#text": told.get("album", "")},
                "track": {"corrected": "0", "#text": told["track"]},
                "albumArtist": {"corrected": "0", "#text": ""},
                "ignoredMessage": {"code": str(code), "#text": ""}, "timestamp": told["timestamp"],
            })  # fmt: skip
        ignored = sum(answer["ignoredMessage"]["code"] != "0" for answer in answers)  # type: ignore[index]
        counts = {"accepted": len(answers) - ignored, "ignored": ignored}
        return _json({"scrobbles": {"scrobble": answers if len(answers) > 1 else answers[0], "@attr": counts}})


def _wrong_listen(listen: dict[str, Any], kind: str) -> str:
    """Return why ListenBrainz would refuse a listen; "" if it would not."""
    fields = {"track_metadata"} if kind == "playing_now" else {"track_metadata", "listened_at"}
    track = listen.get("track_metadata", {})
    more = track.get("additional_info", {})
    mbids = [more[name] for name in ("recording_mbid", "release_mbid", "release_group_mbid") if name in more]
    at = listen.get("listened_at", FIRST_LISTEN)
    checks = {
        "unknown keys": listen.keys() == fields,
        "listened_at": isinstance(at, int) and FIRST_LISTEN <= at <= time.time() + 3600,
        "names": all(isinstance(track.get(name), str) and track[name] for name in ("artist_name", "track_name")),
        "release_name": track.get("release_name", "x") not in {"", None},
        "duration_ms": isinstance(more.get("duration_ms", 1), int) and 0 < more.get("duration_ms", 1) <= 2073600000,
        "unicode null": "\\u0000" not in json.dumps(listen),
        "MBID": all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", mbid) for mbid in mbids),
    }
    return next((f"invalid: {what}" for what, is_right in checks.items() if not is_right), "")


def _json(content: Any) -> Reply:
    limits = {"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "29", "X-RateLimit-Reset-In": "10"}
    return Reply(200, json.dumps(content).encode(), limits)
