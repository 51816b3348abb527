"""Methods about the server: whether it answers, what it can do, and its scans."""

from typing import Any

from soniquebay.api import scans
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.errors import NOT_ALLOWED, SubsonicError
from soniquebay.library import queries, sessions
from soniquebay.library.browsing import lists

EXTENSIONS = (
    "apiKeyAuthentication", "formPost", "indexBasedQueue", "songLyrics", "sonicSimilarity", "topSongsByArtistId",
    "transcodeOffset",
)  # fmt: skip


def extensions() -> Content:
    """Return the extensions of OpenSubsonic that are here. This needs no login."""
    return {"openSubsonicExtensions": [{"name": name, "versions": [1]} for name in EXTENSIONS]}


def _ping(_: Call) -> Content:
    return {}


def _license(_: Call) -> Content:
    return {"license": {"valid": True}}


def _token_info(call: Call) -> Content:
    return {"tokenInfo": {"username": call.user.name}}


def _scan_status(call: Call) -> Content:
    return {"scanStatus": _status(call)}


def _start_scan(call: Call) -> Content:
    if call.visitor.role != "manage":
        raise SubsonicError(NOT_ALLOWED, "only users who may manage the appliance start a scan, by an app that may")
    try:
        scans.start(call.services)
    except sessions.ScanRunningError:
        return {"scanStatus": _status(call)}
    return {"scanStatus": {**_status(call), "scanning": True}}


def _status(call: Call) -> dict[str, Any]:
    db = call.library
    newest = next(iter(queries.sessions(db, 1, 0).items), None)
    return {
        "scanning": newest is not None and newest["status"] == "running",
        "count": lists.count(db, lists.tracks(db)),
    }


METHODS: dict[str, Handler] = {
    "ping": _ping,
    "getLicense": _license,
    "tokenInfo": _token_info,
    "getScanStatus": _scan_status,
    "startScan": _start_scan,
}
