"""Many albums in a few queries: the order of their genres."""

from pathlib import Path

from soniquebay.library.browsing import bulk
from soniquebay.library.database import Database
from tests.unit.songs import file, insert


def test_genres_of_most_tracks_come_first_then_by_name(tmp_path: Path) -> None:
    db = Database(tmp_path / "library.db")
    db.migrate()
    given = (("Jazz", "Soul"), ("Soul", "Ambient", "Blues"), ("Soul", "Ambient"))
    insert(
        db, *(file(f"/r/a/{n}.flac", artist="A", album="One", genres=genres) for n, genres in enumerate(given)),
        *(file(f"/r/b/{n}.flac", artist="A", album="Two", genres=genres) for n, genres in enumerate((("Blues",), ()))),
        file("/r/c/1.flac", artist="A", album="Three"),
    )  # fmt: skip
    reader = db.reader()
    ids = [row["id"] for row in reader.execute("SELECT id FROM albums ORDER BY id DESC")]
    genres = {album["title"]: album["genres"] for album in bulk.albums(reader, ids)}
    assert genres == {"One": ["Soul", "Ambient", "Blues", "Jazz"], "Two": ["Blues"], "Three": []}
    assert [album["id"] for album in bulk.albums(reader, ids)] == ids
    assert bulk.albums(reader, []) == []
