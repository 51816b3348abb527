"""Sound and pictures. They are sent as the API under `/api` sends them, with its answers for what cannot be sent."""

from fastapi import Response
from starlette.concurrency import run_in_threadpool

from soniquebay.api import library, playing
from soniquebay.api.opensubsonic import ids
from soniquebay.api.opensubsonic.call import Call, PictureHandler, SoundHandler
from soniquebay.api.playing import StreamQuery
from soniquebay.library import queries
from soniquebay.library.browsing import details
from soniquebay.listeners import playlists
from soniquebay.transcoding.choice import RequestedFormat
from soniquebay.transcoding.formats import MAX_BIT_RATE_KBITS, MIN_BIT_RATE_KBITS

MAX_PICTURE_PIXELS = 4096
# What clients call the formats. Ogg stands for Opus, the only codec in Ogg that is encoded here.
_FORMATS: dict[str, RequestedFormat] = {
    "raw": "raw", "mp3": "mp3", "opus": "opus", "ogg": "opus", "oga": "opus", "aac": "aac", "m4a": "aac", "mp4": "aac",
    "flac": "flac",
}  # fmt: skip


async def _stream(call: Call) -> Response:
    """Play a track. This is no play that counts: clients report those by scrobble."""
    given = call.parameters
    track_id = ids.number(given.required("id"), "track")
    wanted = _FORMATS.get(given.text("format").lower())
    offset = given.seconds("timeOffset")
    bit_rate = await run_in_threadpool(_bit_rate, call, track_id, given.integer("maxBitRate", 0))
    if wanted == "raw":
        bit_rate = None
        # The file as it is can be neither a part of a file nor begin in the middle.
        wanted = None if offset or await run_in_threadpool(_is_part, call, track_id) else wanted
    query = StreamQuery(
        format=wanted,
        bit_rate=bit_rate,
        offset=offset,
        estimate_length=given.boolean("estimateContentLength", False),
    )
    return await playing.stream(call.request, call.services, track_id, query)


def _bit_rate(call: Call, track_id: int, most: int) -> int | None:
    """Return the bit rate (kbit/s) to transcode to; None for no limit, also where the file has no more than `most`."""
    if not most:
        return None
    if most > MAX_BIT_RATE_KBITS:
        track = details.full_track(call.library, track_id)
        stated = track["sound"].get("bit_rate") if track else None
        if stated is not None and stated <= most * 1000:
            return None
    return min(max(most, MIN_BIT_RATE_KBITS), MAX_BIT_RATE_KBITS)


def _is_part(call: Call, track_id: int) -> bool:
    track = queries.file_of_track(call.library, track_id)
    return track is not None and track["part"] > 0


async def _download(call: Call) -> Response:
    return await playing.download(call.request, call.services, ids.number(call.parameters.required("id"), "track"))


def _cover_art(call: Call) -> Response:
    kind, number = ids.parse_cover(call.parameters.required("id"))
    size = call.parameters.integer("size", 0, high=MAX_PICTURE_PIXELS)
    given = call.request.headers
    if kind == "playlist":
        kind, number = "track", _first_track(call, number)
    return library.cover(
        call.services, kind, number, size or None, None, given.get("if-none-match"), given.get("accept")
    )


def _first_track(call: Call, playlist_id: int) -> int:
    """Return the first track with a cover of a playlist. Raises `SubsonicError` without one."""
    if call.user_id is None:
        raise ids.not_found()
    try:
        playlists.find(call.listeners, call.user_id, playlist_id)
    except LookupError as error:
        raise ids.not_found() from error
    track_id = playlists.first_track_with_cover(call.listeners, playlist_id)
    if track_id is None:
        raise ids.not_found()
    return track_id


SOUND: dict[str, SoundHandler] = {"stream": _stream, "download": _download}
PICTURES: dict[str, PictureHandler] = {"getCoverArt": _cover_art}
