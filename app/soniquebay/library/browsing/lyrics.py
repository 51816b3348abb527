"""Lyrics: plain ones, and lines with times as files in the form LRC have them."""

import json
import re
import sqlite3
from dataclasses import dataclass
from typing import Any

from soniquebay.library.queries import Row

_STAMP = re.compile(r"\[(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?\]", re.ASCII)
_WORD_STAMP = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>", re.ASCII)
_OFFSET = re.compile(r"\[offset:\s*([+-]?\d{1,9})\s*\]", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TimedLine:
    """A line, and when it is sung, in ms from the beginning of the track."""

    start_ms: int
    text: str


def read(db: sqlite3.Connection, track_id: int) -> Row | None:
    """Return the lyrics of a track, those with times if there are any; None if the track does not exist.

    `is_timed`, and `lines` with `text` and `start_seconds`. The offset that a file states has been applied.
    """
    row = db.execute(
        "SELECT f.tags FROM tracks t LEFT JOIN file_tags f ON f.track_id = t.id WHERE t.id = ?", (track_id,)
    ).fetchone()
    if row is None:
        return None
    tags = json.loads(row["tags"] or "{}")
    timed = first_text(tags.get("synced_lyrics"))
    if lines := timed_lines(timed):
        offset = offset_ms(timed)
        starts = [max(line.start_ms - offset, 0) / 1000 for line in lines]
        return {
            "is_timed": True,
            "lines": [{"start_seconds": start, "text": line.text} for start, line in zip(starts, lines, strict=True)],
        }
    return {
        "is_timed": False,
        "lines": [{"start_seconds": None, "text": text} for text in plain_lines(first_text(tags.get("lyrics")))],
    }


def timed_lines(text: str) -> list[TimedLine]:
    """Return the lines of lyrics in the form LRC in the order of their times; a line may have several."""
    lines: list[TimedLine] = []
    for line in text.splitlines():
        stamps = []
        rest = line.strip()
        while match := _STAMP.match(rest):
            minutes, seconds, fraction = match.groups()
            stamps.append(60_000 * int(minutes) + 1000 * int(seconds) + int((fraction or "").ljust(3, "0")))
            rest = rest[match.end() :].lstrip()
        value = _WORD_STAMP.sub("", rest).strip()
        lines += [TimedLine(stamp, value) for stamp in stamps]
    return sorted(lines, key=lambda line: line.start_ms)


def offset_ms(text: str) -> int:
    """Return by how many ms lyrics in the form LRC come earlier than their times say; 0 where they state nothing."""
    offset = _OFFSET.search(text)
    return int(offset[1]) if offset else 0


def plain_lines(text: str) -> list[str]:
    """Return the lines of lyrics without times."""
    return [line.strip() for line in text.splitlines()]


def first_text(value: Any) -> str:
    """Return the text of a tag, the first one where a file has several; "" for none."""
    return str(value[0] if isinstance(value, list) else value or "")
