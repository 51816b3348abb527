"""Stars, ratings, plays, queues, bookmarks and playlists, and the lists of them, without HTTP."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from soniquebay import sqlite
from soniquebay.library.browsing.cursors import CursorError
from soniquebay.listeners import bookmarks, items, marks, play_queue, playlists, plays, ratings, stars, users
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.items import Kind, UnknownItemError
from soniquebay.listeners.marks import Marks, Sort
from soniquebay.listeners.playlists import OutdatedError, Playlist, ReadOnlyError, UnacceptablePlaylistError
from tests.unit.listeners.libraries import Kept
from tests.unit.songs import file

SONGS = 12


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Albums of three songs each, by two artists."""
    made = Kept(tmp_path)
    made.scan([
        file(f"/r/{n}", title=f"Song {n}", artist=f"Artist {n % 2}", album=f"Album {n // 3}", album_artist="Both",
             duration=60 + n)
        for n in range(SONGS)
    ])  # fmt: skip
    return made


def tracks(kept: Kept, *ids: int) -> list[int]:
    found = items.read(kept.listeners.reader(), "track", ids)
    with kept.listeners.transaction() as db:
        return items.get_or_add(db, found)


def play(kept: Kept, track_id: int, at: float, user: int | None = None, client: str = "app") -> bool:
    found = plays.read_played(kept.listeners.reader(), track_id)
    with kept.listeners.transaction() as db:
        return plays.record(db, user or kept.user(), found, at, client)


def of(kept: Kept, kind: Kind, *ids: int, user: int | None = None) -> dict[int, Marks]:
    return marks.of_items(kept.listeners.reader(), user or kept.user(), kind, ids)


def pages(kept: Kept, kind: Kind, sort: Sort, limit: int) -> list[list[int]]:
    db, found, cursor = kept.listeners.reader(), [], None
    while True:
        page = marks.page(db, kept.user(), kind, sort, limit, 0, cursor)
        found.append(page.ids)
        cursor = page.next
        if cursor is None:
            return found


def test_items_are_kept_once(kept: Kept) -> None:
    assert tracks(kept, 3, 1, 3) == tracks(kept, 3, 1, 3)
    album = kept.item("album", 1)
    assert kept.row("SELECT library_id FROM items WHERE id = (SELECT sample_id FROM items WHERE id = ?)", album)
    with pytest.raises(UnknownItemError, match="no track 99"):
        tracks(kept, 1, 99)
    assert kept.row("SELECT count(*) FROM items WHERE kind = 'track'")[0] == 2


def test_stars_are_of_one_user(kept: Kept) -> None:
    bob = kept.user("Bob")
    [item] = tracks(kept, 1)
    with kept.listeners.transaction() as db:
        stars.add(db, kept.user(), [item], 5)
        stars.add(db, kept.user(), [item], 9)
    assert (of(kept, "track", 1, 2), of(kept, "track", 1, user=bob)) == ({1: Marks(starred_at=5)}, {})
    with kept.listeners.transaction() as db:
        stars.remove(db, bob, [item])
        assert stars_of(db) == 1
        stars.remove(db, kept.user(), [item])
        assert stars_of(db) == 0


def stars_of(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM stars").fetchone()[0])


def test_ratings(kept: Kept) -> None:
    [item] = tracks(kept, 1)
    for rating, stored in ((3, {1: Marks(rating=3)}), (5, {1: Marks(rating=5)}), (0, {})):
        with kept.listeners.transaction() as db:
            ratings.rate(db, kept.user(), item, rating, 1)
        assert of(kept, "track", 1) == stored
    for wrong in (-1, 6):
        with kept.listeners.transaction() as db, pytest.raises(ValueError, match="1 to 5"):
            ratings.rate(db, kept.user(), item, wrong, 1)


def test_a_play_counts_for_track_album_and_artists(kept: Kept) -> None:
    assert play(kept, 1, 10) and play(kept, 2, 30) and play(kept, 1, 20)
    assert not play(kept, 1, 20)  # a repeated request
    assert of(kept, "track", 1, 2, 3) == {
        1: Marks(play_count=2, last_played_at=20), 2: Marks(play_count=1, last_played_at=30),
    }  # fmt: skip
    assert of(kept, "album", 1) == {1: Marks(play_count=3, last_played_at=30)}
    artist = kept.ids("artists", "name")["Artist 0"]
    assert of(kept, "artist", artist) == {artist: Marks(play_count=2, last_played_at=20)}
    assert play(kept, 1, 5)  # an app that was offline sends it late
    assert of(kept, "track", 1) == {1: Marks(play_count=3, last_played_at=20)}
    assert [row["played_at"] for row in plays.recent(kept.listeners.reader(), kept.user(), 2)] == [30, 20]
    assert [row["played_at"] for row in plays.recent(kept.listeners.reader(), kept.user(), 9, 20)] == [10, 5]


def test_old_plays_are_forgotten_and_counts_stay(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(5):
        play(kept, 1, at)
        play(kept, 1, at, kept.user("Bob"))
    play(kept, 1, 9, kept.user("Bob"))
    monkeypatch.setattr(plays, "MAX_PLAYS_OF_USER", 5)
    with kept.listeners.transaction() as db:
        plays.forget_old(db)
    for name, ats in (("Ada", [4, 3, 2, 1, 0]), ("Bob", [9, 4, 3, 2, 1])):
        found = plays.recent(kept.listeners.reader(), kept.user(name), 9)
        assert [row["played_at"] for row in found] == ats
    assert of(kept, "track", 1, user=kept.user("Bob"))[1].play_count == 6


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_lists_in_pages(kept: Kept, limit: int) -> None:
    found = tracks(kept, *range(1, 8))
    albums = [kept.item("album", n) for n in (1, 2, 3, 4)]
    artist = kept.item("artist", 1)
    with kept.listeners.transaction() as db:
        for n, item in enumerate(found):
            stars.add(db, kept.user(), [item], n // 2)  # some at the same time
            stars.add(db, kept.user("Bob"), [item], 99)
        for album, rating in zip(albums, (3, 5, 3, 4), strict=True):
            ratings.rate(db, kept.user(), album, rating, album)
        stars.add(db, kept.user(), [artist], 1)
    for at, track in enumerate((1, 10, 4, 4, 1, 1, 7)):
        play(kept, track, at)
    kept.scan([], ["/r/2"], files=9)  # track 3
    for kind, sort, ids in (
        ("track", "starred", [7, 6, 5, 4, 2, 1]), ("album", "rated", [2, 4, 3, 1]), ("album", "played", [3, 1, 2, 4]),
        ("album", "most_played", [1, 2, 4, 3]), ("artist", "starred", [1]), ("album", "starred", []),
        ("track", "played", [7, 1, 4, 10]),
    ):  # fmt: skip
        listed = pages(kept, kind, sort, limit)  # type: ignore[arg-type]
        assert [i for page in listed for i in page] == ids, (kind, sort)
        assert all(len(page) == limit for page in listed[:-1])
    assert marks.page(kept.listeners.reader(), kept.user(), "album", "rated", 2, 1).ids == [4, 3]


def test_a_cursor_belongs_to_one_list(kept: Kept) -> None:
    found = tracks(kept, 1, 2)
    with kept.listeners.transaction() as db:
        stars.add(db, kept.user(), found, 1)
    db = kept.listeners.reader()
    cursor = marks.page(db, kept.user(), "track", "starred", 1).next
    for user, kind, sort, text in (
        (9, "track", "starred", cursor), (1, "album", "starred", cursor), (1, "track", "played", cursor),
        (1, "track", "starred", "x"), (1, "track", "starred", ""),
    ):  # fmt: skip
        with pytest.raises(CursorError):
            marks.page(db, user, kind, sort, 1, 0, text)  # type: ignore[arg-type]


def test_the_queue(kept: Kept) -> None:
    user, db = kept.user(), kept.listeners.reader()
    assert play_queue.find(db, user) is None
    queue = tracks(kept, 1, 2, 1, 3)
    for entries, position in ((queue, 3), (queue[1:], 0), ([], 0), (queue[:1], 0)):
        with kept.listeners.transaction() as writer:
            play_queue.save(writer, user, entries, position, 1500, "my\napp", 7)
        assert play_queue.find(db, user) == play_queue.PlayQueue(position, 1500, "myapp", 7)
        assert play_queue.ENTRIES.read(db, user) == entries
    for entries, position in ((queue, 4), (queue, -1), ([], 1), ([1] * (play_queue.MAX_ENTRIES + 1), 0)):
        with pytest.raises(ValueError, match=r"entry at position|at most"), kept.listeners.transaction() as writer:
            play_queue.save(writer, user, entries, position, 0, "", 8)
    assert play_queue.ENTRIES.read(db, user) == queue[:1]


def test_bookmarks(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookmarks, "MAX_BOOKMARKS_OF_USER", 2)
    first, second, third = tracks(kept, 1, 2, 3)
    with kept.listeners.transaction() as db:
        bookmarks.save(db, kept.user(), first, 1000, "a", 1)
        bookmarks.save(db, kept.user(), second, 2000, "", 2)
        bookmarks.save(db, kept.user(), first, 3000, "b", 3)
        with pytest.raises(ValueError, match="at most 2 bookmarks"):
            bookmarks.save(db, kept.user(), third, 1, "", 4)
        with pytest.raises(ValueError, match="characters"):
            bookmarks.save(db, kept.user(), first, 1, "x" * 1001, 4)
    assert bookmarks.of_user(kept.listeners.reader(), kept.user()) == [
        {"item_id": first, "position_ms": 3000, "comment": "b", "created_at": 1, "changed_at": 3},
        {"item_id": second, "position_ms": 2000, "comment": "", "created_at": 2, "changed_at": 2},
    ]
    with kept.listeners.transaction() as db:
        assert not bookmarks.remove(db, 99, first)
        assert bookmarks.remove(db, kept.user(), first)


def playlist(kept: Kept, entries: list[int], **more: Any) -> Playlist:
    with kept.listeners.transaction() as db:
        return playlists.create(db, kept.user(), "Mix", "", entries, 1, **more)


def test_entries_of_playlists(kept: Kept) -> None:
    a, b, c, d = tracks(kept, 1, 2, 3, 4)
    made = playlist(kept, [a, b])

    def now() -> list[int]:
        return playlists.ENTRIES.read(kept.listeners.reader(), made.id)

    for change, after in (
        (lambda db: playlists.append(db, made, [c, d, a], 2), [a, b, c, d, a]),
        (lambda db: playlists.move(db, made, 0, 2, 3, 2), [c, d, a, a, b]),
        (lambda db: playlists.move(db, made, 4, 1, 0, 2), [b, c, d, a, a]),
        (lambda db: playlists.move(db, made, 1, 2, 1, 2), [b, c, d, a, a]),
        (lambda db: playlists.remove(db, made, [4, 0, 4], 2), [c, d, a]),
        (lambda db: playlists.replace(db, made, [d], 2), [d]),
        (lambda db: playlists.replace(db, made, [], 2), []),
        (lambda db: playlists.append(db, made, [a, a], 3), [a, a]),
    ):
        with kept.listeners.transaction() as db:
            change(db)
        assert now() == after
    found = playlists.find(kept.listeners.reader(), kept.user(), made.id)
    assert (found.revision, found.changed_at, found.created_at, found.entry_count) == (8, 3, 1, 2)
    playlists.check_revision(found, 8)
    playlists.check_revision(found, None)
    with pytest.raises(OutdatedError, match="8"):
        playlists.check_revision(found, 7)
    for wrong in (
        lambda db: playlists.remove(db, made, [2], 4), lambda db: playlists.remove(db, made, [-1], 4),
        lambda db: playlists.move(db, made, 1, 2, 0, 4), lambda db: playlists.move(db, made, 0, 1, 2, 4),
        lambda db: playlists.move(db, made, 0, 0, 0, 4), lambda db: playlists.move(db, made, -1, 1, 0, 4),
        lambda db: playlists.append(db, made, [a] * playlists.MAX_ENTRIES, 4),
    ):  # fmt: skip
        with pytest.raises(UnacceptablePlaylistError), kept.listeners.transaction() as db:
            wrong(db)
    assert now() == [a, a]


def test_whose_playlists(kept: Kept) -> None:
    bob = kept.user("Bob")
    own, public = playlist(kept, []), playlist(kept, [], is_public=True)
    db = kept.listeners.reader()
    assert [p.id for p in playlists.visible(db, kept.user())] == [own.id, public.id]
    assert playlists.visible(db, bob) == [public]
    assert public.user_name == "Ada" and public.is_public
    with pytest.raises(LookupError):
        playlists.find(db, bob, own.id)
    with pytest.raises(ReadOnlyError, match="Ada"):
        playlists.find_own(db, bob, public.id)
    with kept.listeners.transaction() as writer:
        playlists.change(writer, public, 7, name=" New ", is_public=False)
    assert playlists.visible(db, bob) == []
    changed = playlists.find(db, kept.user(), public.id)
    assert (changed.name, changed.comment, changed.changed_at) == ("New", "", 7)
    with kept.listeners.transaction() as writer:
        playlists.delete(writer, changed)
        users.remove(writer, kept.user())
    assert kept.row("SELECT count(*) FROM playlists")[0] == 0


def test_limits_of_playlists(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playlists, "MAX_PLAYLISTS_OF_USER", 1)
    made = playlist(kept, [])
    with kept.listeners.transaction() as db:
        with pytest.raises(UnacceptablePlaylistError, match="at most 1 playlists"):
            playlists.create(db, kept.user(), "Second", "", [], 1)
        for name in ("", "  ", "x" * 201, "a\nb"):
            with pytest.raises(UnacceptablePlaylistError, match="name"):
                playlists.change(db, made, 2, name=name)
        with pytest.raises(UnacceptablePlaylistError, match="comment"):
            playlists.change(db, made, 2, comment="x" * 4001)


def test_what_a_removed_user_kept_is_gone(kept: Kept) -> None:
    bob = kept.user("Bob")
    [item] = tracks(kept, 1)
    play(kept, 1, 1, bob)
    with kept.listeners.transaction() as db:
        stars.add(db, bob, [item], 1)
        ratings.rate(db, bob, item, 1, 1)
        bookmarks.save(db, bob, item, 1, "", 1)
        play_queue.save(db, bob, [item], 0, 0, "", 1)
        playlists.create(db, bob, "x", "", [item], 1)
        users.remove(db, bob)
    for table in ("stars", "ratings", "play_counts", "plays", "bookmarks", "play_queue_entries", "playlist_entries"):
        assert kept.row(f"SELECT count(*) FROM {table}")[0] == 0, table


def test_users_of_the_release_before_stay_and_their_copy_is_theirs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = sqlite.migrations("soniquebay.listeners")
    monkeypatch.setattr(sqlite, "migrations", lambda _: scripts[:1])
    database = ListenersDatabase(tmp_path / "listeners.db")
    database.migrate()
    with database.transaction() as db:
        db.execute("INSERT INTO users VALUES (7, 'Ada', 'ada', '', 'manage', 1, 0)")
    monkeypatch.undo()
    previous = os.umask(0o027)
    try:
        database.migrate()
    finally:
        os.umask(previous)
    assert [user.id for user in users.all_users(database.reader())] == [7]
    assert (tmp_path / "listeners.db.schema-1").stat().st_mode & 0o777 == 0o600


def test_only_what_differs_is_written(kept: Kept) -> None:
    made = playlist(kept, tracks(kept, *range(1, 11)))
    entries = playlists.ENTRIES.read(kept.listeners.reader(), made.id)
    with kept.listeners.transaction() as db:
        before = db.total_changes
        playlists.append(db, made, entries[:1], 2)
        assert db.total_changes - before == 2  # the entry and the playlist's row
