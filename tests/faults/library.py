"""A music folder of many small files, and the check that a library has all of them."""

import random
import sqlite3
from pathlib import Path
from typing import Any

from soniquebay.library.database import open_read_only
from tests.faults.supervisor import Supervised
from tests.support.audio_files import tag, tone
from tests.support.stack import wait_until


def make(music: Path, count: int, albums: int = 12, seed: int = 1) -> list[str]:
    """Write `count` files with one sound, different titles and random albums, and return the titles."""
    music.mkdir(parents=True)
    source = tone(music.parent / "source.flac", seconds=0.5, title="x")
    content = source.read_bytes()
    source.unlink()
    rng, titles = random.Random(seed), []  # noqa: S311 - music, not secrets
    for number in range(count):
        folder = music / f"Artist {rng.randrange(albums)}"
        folder.mkdir(exist_ok=True)
        file = folder / f"{number:04}.flac"
        file.write_bytes(content)
        titles.append(f"Song {number} {rng.random()}")
        tag(file, title=titles[-1], artist=folder.name, album=f"Album {folder.name}", tracknumber=str(number),
            genre="Folk")  # fmt: skip
    return titles


def query(stack: Supervised, sql: str) -> list[tuple[Any, ...]]:
    with open_read_only(stack.data / "library.db") as db:
        return [tuple(row) for row in db.execute(sql)]


def wait_until_complete(stack: Supervised, titles: list[str], seconds: float = 90) -> None:
    """Wait for the end of the scan and the analysis; check that each file is one track with a vector."""
    state: dict[str, Any] = {}

    def is_done() -> bool:
        try:
            (state["session"],) = query(stack, "SELECT status FROM scan_sessions ORDER BY id DESC LIMIT 1")
            state["open batches"] = query(stack, "SELECT id, attempts FROM batches WHERE done_at IS NULL")
            state["tracks"] = query(stack, "SELECT count(*), sum(analysed) FROM tracks")[0]
        except sqlite3.OperationalError as error:
            state["error"] = error
            return False
        return state["session"] == ("completed",) and state["tracks"] == (len(titles), len(titles))

    try:
        wait_until(is_done, seconds)
    except AssertionError:
        raise AssertionError(f"not complete within {seconds} s: {state}, queues {stack.get('/api/queues')}") from None
    assert state["open batches"] == []
    assert query(stack, "SELECT * FROM unseen") == []
    assert query(stack, "SELECT path, reason FROM failures") == []
    assert query(stack, "SELECT track_id FROM vectors WHERE data IS NULL") == []
    assert query(stack, "SELECT count(*) FROM vectors") == [(len(titles),)]
    assert sorted(title for (title,) in query(stack, "SELECT title FROM tracks")) == sorted(titles)
    assert query(stack, "SELECT path FROM tracks GROUP BY path HAVING count(*) > 1") == []
    files = {path for (path,) in query(stack, "SELECT path FROM tracks WHERE missing_since IS NULL")}
    assert files == {str(file) for file in stack.music.rglob("*.flac")}
    assert stack.healthy()
    assert "Traceback" not in stack.log("api").read_text()  # every failure was logged in one line
