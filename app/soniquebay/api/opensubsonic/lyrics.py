"""Lyrics: plain ones, and lines with times as files in the form LRC have them."""

import re
from typing import Any

from soniquebay.api.opensubsonic import ids
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.formats import known
from soniquebay.library.browsing import details, named

_STAMP = re.compile(r"\[(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?\]", re.ASCII)
_WORD_STAMP = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>", re.ASCII)
_OFFSET = re.compile(r"\[offset:\s*([+-]?\d{1,9})\s*\]", re.ASCII | re.IGNORECASE)
_OTHER_TAG = re.compile(r"\[[A-Za-z#]+:[^\]]*\]")
_UNKNOWN_LANGUAGE = "und"


def _lyrics(call: Call) -> Content:
    """Return the plain lyrics of the first song of a title and an artist that has any."""
    artist, title = call.parameters.text("artist"), call.parameters.text("title")
    track_id = named.track_id_with_lyrics(call.library, title, artist) if title else None
    track = None if track_id is None else details.full_track(call.library, track_id)
    if track is None:
        return {"lyrics": {"value": ""}}
    texts = track["tags"].get("lyrics")
    text = _text(texts) or "\n".join(line["value"] for line in timed_lines(_text(track["tags"].get("synced_lyrics"))))
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
            "lang": _text(track["tags"].get("language")) or _UNKNOWN_LANGUAGE,
        }
    )
    found: list[dict[str, Any]] = []
    timed = _text(track["tags"].get("synced_lyrics"))
    if lines := timed_lines(timed):
        offset = _OFFSET.search(timed)
        found.append({**common, "synced": True, "offset": int(offset[1]) if offset else 0, "line": lines})
    plain = _text(track["tags"].get("lyrics"))
    if plain:
        lines = [{"value": line.strip()} for line in plain.splitlines()]
        found.append({**common, "synced": False, "offset": 0, "line": lines})
    return {"lyricsList": {"structuredLyrics": found}}


def timed_lines(text: str) -> list[dict[str, Any]]:
    """Return the lines of lyrics in the form LRC in the order of their times (ms); a line may have several."""
    lines: list[dict[str, Any]] = []
    for line in text.splitlines():
        stamps = []
        rest = line.strip()
        while match := _STAMP.match(rest):
            minutes, seconds, fraction = match.groups()
            stamps.append(60_000 * int(minutes) + 1000 * int(seconds) + int((fraction or "").ljust(3, "0")))
            rest = rest[match.end() :].lstrip()
        value = _WORD_STAMP.sub("", rest).strip()
        lines += [{"start": stamp, "value": value} for stamp in stamps]
    return sorted(lines, key=lambda line: int(line["start"]))


def _text(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value or "")


METHODS: dict[str, Handler] = {"getLyrics": _lyrics, "getLyricsBySongId": _lyrics_by_song_id}
