"""Lyrics: plain ones, and lines with times."""

from typing import Any

from soniquebay.api.opensubsonic import ids
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.formats import known
from soniquebay.library.browsing import details, named
from soniquebay.library.browsing.lyrics import first_text, offset_ms, plain_lines, timed_lines

_UNKNOWN_LANGUAGE = "und"


def _lyrics(call: Call) -> Content:
    """Return the plain lyrics of the first song of a title and an artist that has any."""
    artist, title = call.parameters.text("artist"), call.parameters.text("title")
    track_id = named.track_id_with_lyrics(call.library, title, artist) if title else None
    track = None if track_id is None else details.full_track(call.library, track_id)
    if track is None:
        return {"lyrics": {"value": ""}}
    timed = timed_lines(first_text(track["tags"].get("synced_lyrics")))
    text = first_text(track["tags"].get("lyrics")) or "\n".join(line.text for line in timed)
    return {"lyrics": known({"artist": track["artist"], "title": track["title"], "value": text})}


def _lyrics_by_song_id(call: Call) -> Content:
    track_id = ids.number(call.parameters.required("id"), "track")
    track = details.full_track(call.library, track_id)
    if track is None or track["missing_since"] is not None:
        raise ids.not_found()
    common = known(
        {
            "displayArtist": track["artist"],
            "displayTitle": track["title"],
            "lang": first_text(track["tags"].get("language")) or _UNKNOWN_LANGUAGE,
        }
    )
    found: list[dict[str, Any]] = []
    timed = first_text(track["tags"].get("synced_lyrics"))
    if lines := timed_lines(timed):
        timed_values = [{"start": line.start_ms, "value": line.text} for line in lines]
        found.append({**common, "synced": True, "offset": offset_ms(timed), "line": timed_values})
    plain = first_text(track["tags"].get("lyrics"))
    if plain:
        values = [{"value": line} for line in plain_lines(plain)]
        found.append({**common, "synced": False, "offset": 0, "line": values})
    return {"lyricsList": {"structuredLyrics": found}}


METHODS: dict[str, Handler] = {"getLyrics": _lyrics, "getLyricsBySongId": _lyrics_by_song_id}
