"""Last.fm's web service: signed requests, scrobbles as it wants them, and its answers."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from soniquebay.listeners.heard import Heard
from soniquebay.listeners.scrobbles import Waiting
from soniquebay.online.errors import CredentialsError, NotAcceptedError, UpstreamError
from soniquebay.online.scrobble_result import Result, message_of
from soniquebay.online.scrobbling_client import exchange

NOT_APPROVED = 14  # the code of a token that its user has not approved yet
_APPROVAL_PAGE = "https://www.last.fm/api/auth/"
# Authentication failed, invalid session, invalid key, invalid signature (a wrong secret), a token that is not approved
# or has expired, a login that is asked for, a suspended key.
_CREDENTIALS = {4, 9, 10, 13, NOT_APPROVED, 15, 17, 26}
# Operation failed, service offline, temporarily unavailable, too many requests.
_LATER = {8, 11, 16, 29}
_IGNORED = {
    1: "Last.fm ignores this artist",
    2: "Last.fm ignores this track",
    3: "the play is too old for Last.fm",
    4: "the play is in the future for Last.fm: look at the clock of this machine",
}
_DAILY_LIMIT = 5


class LastfmError(CredentialsError):
    """Last.fm does not accept a key, session or token."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


async def request_token(socket: Path, secrets: Mapping[str, str]) -> str:
    """Return a token, which the user approves at `approval_page` within an hour.

    `secrets` has the `api_key` and its `secret`. Raises `LastfmError`, `NotAcceptedError` and `UpstreamError`.
    """
    answer = await _call(socket, secrets, {"method": "auth.getToken"})
    return _text(answer, "token")


def approval_page(secrets: Mapping[str, str], token: str) -> str:
    """Return the page on which a user lets this appliance scrobble."""
    return f"{_APPROVAL_PAGE}?{urlencode({'api_key': secrets['api_key'], 'token': token})}"


async def begin_session(socket: Path, secrets: Mapping[str, str]) -> tuple[str, str]:
    """Return the user's name and the session key for the approved `token` of `secrets`. Raises as `request_token`."""
    answer = await _call(socket, secrets, {"method": "auth.getSession", "token": secrets["token"]})
    session = answer.get("session")
    session = session if isinstance(session, dict) else {}
    return _text(session, "name")[:100], _text(session, "key")


async def submit(socket: Path, secrets: Mapping[str, str], plays: Sequence[Waiting]) -> Result:
    """Tell of plays. Raises `LastfmError`, `NotAcceptedError` and `UpstreamError`; then none is taken."""
    parameters = {"method": "track.scrobble", "sk": secrets["session"]}
    for number, play in enumerate(plays):
        told = {**track(play.heard), "timestamp": str(int(play.played_at))}
        parameters.update({f"{name}[{number}]": value for name, value in told.items()})
    return _read_result(await _call(socket, secrets, parameters))


async def announce(socket: Path, secrets: Mapping[str, str], heard: Heard, timeout_seconds: float) -> None:
    """Tell what is heard now. Raises as `submit` does."""
    parameters = {"method": "track.updateNowPlaying", "sk": secrets["session"], **track(heard)}
    await _call(socket, secrets, parameters, timeout_seconds=timeout_seconds)


def track(heard: Heard) -> dict[str, str]:
    """Return the parameters of a track."""
    told = {
        "artist": heard.artist,
        "track": heard.title,
        "album": heard.album,
        "albumArtist": heard.album_artist if heard.album_artist != heard.artist else None,
        "trackNumber": str(heard.track_no) if heard.track_no else None,
        "mbid": heard.recording_mbid,
        "duration": str(round(heard.duration)),
    }
    return {name: value for name, value in told.items() if value}


def signature(parameters: Mapping[str, str], secret: str) -> str:
    """Return the MD5 with which Last.fm recognises whose request it is; parameters in the order of ASCII."""
    text = "".join(name + parameters[name] for name in sorted(parameters)) + secret
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


async def _call(
    socket: Path, secrets: Mapping[str, str], parameters: Mapping[str, str], **options: Any
) -> Mapping[str, Any]:
    signed = {**parameters, "api_key": secrets["api_key"]}
    form = {**signed, "api_sig": signature(signed, secrets["secret"]), "format": "json"}
    answer = await exchange(socket, "/lastfm", urlencode(form).encode(), **options)
    error = answer.content.get("error")
    code = error if isinstance(error, int) else None
    if error is None and answer.status == 200:
        return answer.content
    reason = f"Last.fm answers: {message_of(answer.content, 'message')} ({code or answer.status})"
    if code is None or code in _LATER:
        raise UpstreamError(reason, answer.wait_seconds, answered=True)
    if code in _CREDENTIALS:
        raise LastfmError(reason, code)
    raise NotAcceptedError(reason)


def _read_result(answer: Mapping[str, Any]) -> Result:
    """Return what became of the scrobbles; Last.fm answers in their order, and with an object if it is one."""
    found = answer.get("scrobbles")
    scrobbles = found.get("scrobble") if isinstance(found, dict) else None
    ignored, postponed = {}, {}
    for number, scrobble in enumerate(scrobbles if isinstance(scrobbles, list) else [scrobbles]):
        message = scrobble.get("ignoredMessage") if isinstance(scrobble, dict) else None
        code = str(message.get("code") or "0") if isinstance(message, dict) else "0"
        if code == str(_DAILY_LIMIT):
            postponed[number] = "Last.fm takes no more plays of this account today"
        elif code != "0":
            ignored[number] = _IGNORED.get(int(code) if code.isdecimal() else 0, f"Last.fm ignores it ({code[:10]})")
    return Result(ignored, postponed)


def _text(answer: Mapping[str, Any], name: str) -> str:
    text = answer.get(name)
    if not isinstance(text, str) or not text:
        raise UpstreamError(f"Last.fm sent an answer without {name}", answered=True)
    return text
