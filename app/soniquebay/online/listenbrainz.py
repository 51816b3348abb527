"""ListenBrainz's API: listens as it wants them, and its answers. Other servers speak it, too, such as Maloja."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from soniquebay import __version__
from soniquebay.listeners.heard import Heard
from soniquebay.listeners.scrobbles import Waiting
from soniquebay.online.errors import CredentialsError, NotAcceptedError, UpstreamError
from soniquebay.online.exchanges import Answer
from soniquebay.online.scrobble_result import Result, message_of
from soniquebay.online.scrobbling_client import exchange

_SUBMIT = "/listenbrainz/submit-listens"
# 409: Maloja has another play of that second.
_REFUSED = {400, 409, 413, 422}
_MAX_DURATION_SECONDS = 24 * 86_400.0


async def account_name(socket: Path, token: str) -> str:
    """Return whose token it is. Raises `CredentialsError` if nobody's, and `UpstreamError`."""
    answer = await exchange(socket, "/listenbrainz/validate-token", token=token)
    _check(answer)
    if answer.content.get("valid") is not True:
        raise CredentialsError("the server does not know this token")
    return str(answer.content.get("user_name") or "")[:100]


async def submit(socket: Path, secrets: Mapping[str, str], plays: Sequence[Waiting]) -> Result:
    """Tell of plays. Raises `CredentialsError`, `NotAcceptedError` and `UpstreamError`; then none is taken."""
    listens = [{"listened_at": int(play.played_at), "track_metadata": metadata(play.heard)} for play in plays]
    body = document("single" if len(listens) == 1 else "import", listens)
    _check(await exchange(socket, _SUBMIT, body, token=secrets["token"]))
    return Result()


async def announce(socket: Path, secrets: Mapping[str, str], heard: Heard, timeout_seconds: float) -> None:
    """Tell what is heard now. Raises as `submit` does."""
    body = document("playing_now", [{"track_metadata": metadata(heard)}])
    _check(await exchange(socket, _SUBMIT, body, token=secrets["token"], timeout_seconds=timeout_seconds))


def document(listen_type: str, listens: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the body of a submission. Escapes would make a listen of long names larger than the 10 kB it may have."""
    return json.dumps({"listen_type": listen_type, "payload": listens}, ensure_ascii=False).encode()


def metadata(heard: Heard) -> dict[str, Any]:
    """Return the `track_metadata` of a track."""
    more: dict[str, Any] = {
        "recording_mbid": heard.recording_mbid,
        "release_mbid": heard.release_mbid,
        "release_group_mbid": heard.release_group_mbid,
        "artist_mbids": list(heard.artist_mbids),
        "tracknumber": heard.track_no,
        "duration_ms": round(heard.duration * 1000) if heard.duration <= _MAX_DURATION_SECONDS else None,
    }
    told = {name: value for name, value in more.items() if value}
    told |= {"submission_client": "SoniqueBay", "submission_client_version": __version__}
    release = {"release_name": heard.album} if heard.album else {}
    return {"artist_name": heard.artist, "track_name": heard.title, **release, "additional_info": told}


def _check(answer: Answer) -> None:
    if answer.status == 200:
        return
    message = message_of(answer.content, "error")
    if answer.status == 401:
        raise CredentialsError(f"the server does not know the token any more: {message}")
    if answer.status in _REFUSED:
        raise NotAcceptedError(f"the server refuses it ({answer.status}): {message}")
    raise UpstreamError(f"the server answered {answer.status}: {message}", answer.wait_seconds, answered=True)
