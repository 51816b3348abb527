"""The tables of the search index: whoever changes the text of a track changes them in the same transaction."""

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from soniquebay.library.search import text
from soniquebay.sqlite import plain_cursor

TRACKS_PER_STEP = 200  # of a rebuild: other writers get their turn between two steps
MAX_KNOWN_WORDS = 20_000  # in memory, some 2 MB
MAX_NAME_CHARACTERS, MAX_LYRICS_CHARACTERS = 1000, 20_000  # what follows is not indexed

# These say which text a track is found by. The names of a list are separated by U+001F.
_TRACKS = """
SELECT t.id, t.title, t.credit || (SELECT group_concat(char(31) || c.name || char(31) || a.name, '')
         FROM track_artists c JOIN artists a ON a.id = c.artist_id WHERE c.track_id = t.id) AS credits, t.album_id,
       (SELECT group_concat(name, char(31)) FROM track_genres WHERE track_id = t.id) AS genres,
       t.path, CASE WHEN instr(f.tags, 'lyrics') THEN
         coalesce(json_extract(f.tags, '$.lyrics'), '') || coalesce(json_extract(f.tags, '$.synced_lyrics'), '') END
FROM json_each(?) j JOIN tracks t ON t.id = j.value LEFT JOIN file_tags f ON f.track_id = t.id
WHERE t.missing_since IS NULL
"""
_ALBUMS = "SELECT b.id, b.title, b.credit FROM json_each(?) j JOIN albums b ON b.id = j.value"
_ARTISTS = """
WITH indexed AS (SELECT t.id, t.album_id FROM json_each(?) j JOIN tracks t ON t.id = j.value)
SELECT a.id, a.name FROM artists a WHERE a.id IN (
    SELECT c.artist_id FROM indexed i JOIN track_artists c ON c.track_id = i.id UNION
    SELECT c.artist_id FROM indexed i JOIN album_artists c ON c.album_id = i.album_id)
"""
_SEPARATOR = "\x1f"
_ESCAPED = re.compile(r"\\(?:\\|x[0-9a-f]{2})")  # in encoded paths, library/paths.py


def add(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Add tracks that are not in the index, with their albums and artists; missing tracks are skipped."""
    cursor = plain_cursor(db)
    tracks = cursor.execute(_TRACKS, (json.dumps(list(ids)),)).fetchall()
    albums = {row[0]: row for row in cursor.execute(_ALBUMS, (_ids(track[3] for track in tracks),))}
    artists = dict(cursor.execute(_ARTISTS, (json.dumps([track[0] for track in tracks]),)))
    roots = [f"{path.rstrip('/')}/" for (path,) in cursor.execute("SELECT path FROM roots")]
    shared: dict[tuple[object, ...], _SharedColumns] = {}
    words: set[str] = set()
    rows: list[tuple[object, ...]] = []
    for track_id, title, credits, album_id, genres, path, lyrics in tracks:
        folder, _, file = path.rpartition("/")
        key = credits, album_id, genres, folder
        if key not in shared:  # the tracks of an album have most of their text in common
            _, album, album_credit = albums[album_id] if album_id is not None else (0, "", "")
            names = [*(credits or "").split(_SEPARATOR), album_credit]
            shared[key] = _shared_columns(names, album, genres or "", _below_roots(folder, roots))
            words |= shared[key].tokens
        columns = shared[key]
        in_title = text.name_tokens(title[:MAX_NAME_CHARACTERS])
        words.update(in_title)
        in_file = [token for token in _file_tokens(file, title) if token not in columns.tokens]
        rows.append(
            (
                track_id, " ".join(in_title), columns.artist, columns.album, columns.genre,
                " ".join([columns.folder, *in_file]), _lyrics_column(lyrics) if lyrics else "",
            )
        )  # fmt: skip
    db.executemany(
        "INSERT INTO search_tracks (rowid, title, artist, album, genre, path, lyrics) VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    _put(db, "search_artists", ("name",), {artist_id: (name,) for artist_id, name in artists.items()})
    _put(
        db,
        "search_albums",
        ("title", "artist"),
        {album_id: (title, credit) for album_id, title, credit in albums.values()},
    )
    _known_words.add(db, words)


def remove(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Remove tracks from the index; ids that are not in it are skipped."""
    db.execute("DELETE FROM search_tracks WHERE rowid IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))


def reindex(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Index tracks anew, after any of the text that they are found by has changed."""
    remove(db, ids)
    add(db, ids)


def add_genres(db: sqlite3.Connection, genres: Mapping[int, str]) -> None:
    """Add genres, by id, to the index."""
    _put(db, "search_genres", ("name",), {genre_id: (name,) for genre_id, name in genres.items()})


def is_complete(db: sqlite3.Connection) -> bool:
    """Tell whether every track is in the index; False while it is made anew, after an upgrade."""
    row = db.execute("SELECT version, next_id, last_id FROM search_state").fetchone()
    return bool(row["version"] == text.TOKENS_VERSION and row["next_id"] >= row["last_id"])


def begin_rebuild(db: sqlite3.Connection) -> None:
    """Have all tracks indexed anew, step by step, if the tokens of the index are of another version."""
    (version,) = db.execute("SELECT version FROM search_state").fetchone()
    if version != text.TOKENS_VERSION:
        db.execute(
            "UPDATE search_state SET version = ?, next_id = 0, last_id = (SELECT coalesce(max(id), 0) FROM tracks)",
            (text.TOKENS_VERSION,),
        )
        add_genres(db, {row["id"]: row["name"] for row in db.execute("SELECT id, name FROM genres")})


def tracks_to_rebuild(db: sqlite3.Connection) -> int:
    """Return how many tracks a rebuild has not reached."""
    (waiting,) = db.execute("SELECT count(*) FROM tracks, search_state WHERE id > next_id AND id <= last_id").fetchone()
    return int(waiting)


def rebuild_step(db: sqlite3.Connection) -> bool:
    """Index the next `TRACKS_PER_STEP` tracks of a rebuild; return whether there may be more.

    A track that was indexed in the meantime, because its file was scanned, is indexed again to the same effect.
    """
    ids = [
        row["id"]
        for row in db.execute(
            "SELECT id FROM tracks, search_state WHERE id > next_id AND id <= last_id ORDER BY id LIMIT ?",
            (TRACKS_PER_STEP,),
        )
    ]
    reindex(db, ids)
    if ids:
        db.execute("UPDATE search_state SET next_id = ?", (ids[-1],))
    else:
        db.execute("UPDATE search_state SET next_id = last_id")
    return bool(ids)


def _put(db: sqlite3.Connection, table: str, columns: tuple[str, ...], names: Mapping[int, tuple[str, ...]]) -> None:
    """Index names by id, and replace those that have changed."""
    known = {
        row[0]: tuple(row)[1:]
        for row in db.execute(
            f"SELECT rowid, {', '.join(columns)} FROM {table} WHERE rowid IN (SELECT value FROM json_each(?))",
            (json.dumps(list(names)),),
        )
    }
    new = {key: tuple(" ".join(_name_tokens(name)) for name in values) for key, values in names.items()}
    changed = {key: values for key, values in new.items() if known.get(key) != values}
    db.executemany(f"DELETE FROM {table} WHERE rowid = ?", [(key,) for key in changed if key in known])
    parameters = ", ".join("?" * (1 + len(columns)))
    db.executemany(
        f"INSERT INTO {table} (rowid, {', '.join(columns)}) VALUES ({parameters})",
        [(key, *values) for key, values in changed.items()],
    )


class _KnownWords:
    """Adds words to `search_words`, and remembers them, so that most are not looked up again.

    A transaction that is rolled back takes its words with it. Then the last of them is not in the table, and all are
    forgotten.
    """

    def __init__(self) -> None:
        self._database = ""
        self._words: set[str] = set()
        self._last = ""

    def add(self, db: sqlite3.Connection, tokens: Set[str]) -> None:
        (database,) = db.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()
        last = db.execute("SELECT 1 FROM search_words WHERE word = ?", (self._last,)).fetchone()
        if database != self._database or last is None or len(self._words) > MAX_KNOWN_WORDS:
            self._words.clear()
        new = [(word, word[::-1]) for word in text.spellings(tokens - self._words)]
        if new:
            db.executemany("INSERT OR IGNORE INTO search_words (word, reversed) VALUES (?, ?)", new)
            self._words.update(word for word, _ in new)
            self._database, self._last = database, new[-1][0]


_known_words = _KnownWords()


@dataclass(frozen=True, slots=True)
class _SharedColumns:
    """The columns that tracks of an album and a folder have in common, and the tokens of the names among them."""

    artist: str
    album: str
    genre: str
    folder: str  # the words that the names do not have
    tokens: frozenset[str]


def _shared_columns(artists: Iterable[str], album: str, genres: str, folder: str) -> _SharedColumns:
    in_artist = dict.fromkeys(chain.from_iterable(map(_name_tokens, dict.fromkeys(artists))))
    in_album = dict.fromkeys(_name_tokens(album))
    in_genre = dict.fromkeys(chain.from_iterable(map(_word_tokens, genres.split(_SEPARATOR))))
    tokens = frozenset(chain(in_artist, in_album, in_genre))
    in_folder = (token for token in dict.fromkeys(_path_tokens(folder)) if token not in tokens)
    return _SharedColumns(" ".join(in_artist), " ".join(in_album), " ".join(in_genre), " ".join(in_folder), tokens)


def _lyrics_column(lyrics: str) -> str:
    return " ".join(dict.fromkeys(text.tokens(lyrics[:MAX_LYRICS_CHARACTERS])))


@lru_cache(512)
def _name_tokens(name: str) -> list[str]:
    return text.name_tokens(name[:MAX_NAME_CHARACTERS])


@lru_cache(128)
def _word_tokens(name: str) -> list[str]:
    return text.tokens(name[:MAX_NAME_CHARACTERS])


def _below_roots(folder: str, roots: Iterable[str]) -> str:
    """Return an encoded folder without the innermost root that it lies in; roots end in a slash."""
    inside = f"{folder}/"
    return inside[max((len(root) for root in roots if inside.startswith(root)), default=0) :]


def _ids(ids: Iterable[int | None]) -> str:
    return json.dumps([i for i in set(ids) if i is not None])


def _file_tokens(file: str, title: str) -> Sequence[str]:
    """Return the tokens of a file's name; those of the title may be left out."""
    name, _, suffix = file.rpartition(".")
    if title and name.endswith(title) and not name[-len(title) - 1 : -len(title)].isalnum():
        return _path_tokens(f"{name[: -len(title)]} {suffix}")  # as most files are named: "01 Title.flac"
    return _path_tokens(file)


@lru_cache(1024)
def _path_tokens(path: str) -> Sequence[str]:
    return text.path_tokens(_ESCAPED.sub(" ", path) if "\\" in path else path)
