"""Playlists that follow the files of the library."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soniquebay.library import sessions
from soniquebay.listeners import library_playlists, marks, playlists
from soniquebay.listeners.library_playlists import LibraryPlaylists, ReadFile
from soniquebay.listeners.playlists import Playlist, ReadOnlyError
from tests.unit.listeners.libraries import Kept
from tests.unit.songs import file

A, B, C = (file(f"/r/{name}.mp3", title=name) for name in "abc")
OWNER = 1


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    made = Kept(tmp_path)
    with made.listeners.transaction() as db:
        db.execute("UPDATE users SET role = 'manage', is_owner = 1 WHERE id = ?", (OWNER,))
    return made


@pytest.fixture
def following(kept: Kept) -> LibraryPlaylists:
    return LibraryPlaylists(kept.listeners, [Path("/r")], "")


def store(kept: Kept, *locations: str, path: str = "/r/list.m3u", name: str = "List", **said: Any) -> None:
    said = {"size": 1, "mtime_ns": 1, "comment": "", "rules": None, **said}
    with kept.listeners.transaction() as db:
        library_playlists.store(db, ReadFile(path=path, name=name, locations=list(locations), **said))


def made(kept: Kept, user: str = "Bob") -> list[Playlist]:
    return playlists.visible(kept.listeners.reader(), kept.user(user))


def titles(kept: Kept, playlist: Playlist | None = None) -> list[str]:
    db = kept.listeners.reader()
    item_ids = playlists.ENTRIES.read(db, (playlist or made(kept)[0]).id)
    return [entry.title for entry in marks.entries(db, item_ids)]


def test_a_playlist_is_the_owners_and_all_may_read_it(kept: Kept, following: LibraryPlaylists) -> None:
    kept.scan([A, B])
    store(kept, "b.mp3", "./a.mp3", "b.mp3")
    following.run()
    [playlist] = made(kept)
    assert (playlist.name, playlist.user_id, playlist.is_public, playlist.path) == ("List", OWNER, True, "/r/list.m3u")
    assert titles(kept) == ["b", "a", "b"]
    for user in (OWNER, kept.user("Bob")):
        with pytest.raises(ReadOnlyError):
            playlists.find_own(kept.listeners.reader(), user, playlist.id)
    before = playlist.revision
    following.run()
    assert made(kept)[0].revision == before


def test_entries_are_found_when_their_tracks_arrive(kept: Kept, following: LibraryPlaylists) -> None:
    store(kept, "a.mp3", "b.mp3", "c.mp3")
    following.run()
    assert titles(kept) == []
    kept.scan([B])
    following.run()
    assert titles(kept) == ["b"]
    kept.scan([C, A])
    following.run()
    assert titles(kept) == ["a", "b", "c"]
    kept.scan([], ["/r/b.mp3"])
    following.run()
    assert titles(kept) == ["a", "b", "c"]  # b is missing, and shown as such


def test_a_moved_track_stays_when_its_file_is_looked_at_again(kept: Kept, following: LibraryPlaylists) -> None:
    kept.scan([A])
    store(kept, "a.mp3", "b.mp3")
    following.run()
    kept.scan([file("/r/new/a.mp3", title="a")], ["/r/a.mp3"])
    kept.scan([B])
    following.run()
    assert titles(kept) == ["a", "b"]
    store(kept, "b.mp3", "a.mp3", mtime_ns=2)
    following.run()
    assert titles(kept) == ["b", "a"]


def test_nothing_is_followed_during_a_scan_or_without_an_owner(kept: Kept, following: LibraryPlaylists) -> None:
    store(kept, "a.mp3")
    with kept.library.transaction() as db:
        session = sessions.start(db)
    following.run()
    assert made(kept) == []
    with kept.library.transaction() as db:
        sessions.cancel(db, session)
    with kept.listeners.transaction() as db:
        db.execute("UPDATE users SET is_owner = 0")
    following.run()
    assert made(kept) == []
    with kept.listeners.transaction() as db:
        db.execute("UPDATE users SET is_owner = 1 WHERE id = ?", (OWNER,))
    following.run()
    assert len(made(kept)) == 1


def test_a_changed_file_changes_its_playlist(kept: Kept, following: LibraryPlaylists) -> None:
    kept.scan([A, B])
    store(kept, "a.mp3")
    following.run()
    [before] = made(kept)
    store(kept, "a.mp3", size=2, mtime_ns=2)
    assert kept.row("SELECT new_locations FROM playlist_files")[0] is None  # it says the same
    store(kept, "b.mp3", name="Other", mtime_ns=3)
    following.run()
    [after] = made(kept)
    assert (after.id, after.name, titles(kept)) == (before.id, "Other", ["b"])
    assert after.revision > before.revision
    with kept.listeners.transaction() as db:
        assert library_playlists.changed(db, {"/r/list.m3u": (1, 3), "/r/new.m3u": (1, 1)}) == ["/r/new.m3u"]
        assert library_playlists.changed(db, {"/r/list.m3u": (1, 4)}) == ["/r/list.m3u"]


def test_rules_are_followed(kept: Kept, following: LibraryPlaylists) -> None:
    first, second = '{"all": [{"is": {"title": "a"}}]}', '{"all": [{"is": {"title": "b"}}]}'
    store(kept, path="/r/x.nsp", rules=first, comment="c")
    following.run()
    store(kept, path="/r/x.nsp", rules=second)
    following.run()
    [playlist] = made(kept)
    assert (playlist.rules, playlist.comment, playlist.entry_count) == (second, "", 0)
    for said in ({"rules": "{"}, {"path": "a\\b"}):
        with pytest.raises(ValueError, match=r"JSON|encoded"):
            store(kept, **said)


def test_a_file_that_is_gone_takes_its_playlist_along(kept: Kept, following: LibraryPlaylists) -> None:
    store(kept, path="/r/a.m3u")
    store(kept, path="/r/b.m3u")
    following.run()
    store(kept, path="/r/c.m3u")  # gone before it was followed
    with kept.listeners.transaction() as db:
        assert library_playlists.remove_gone(db, lambda path: path != "/r/b.m3u") == 2
    following.run()
    assert [playlist.path for playlist in made(kept)] == ["/r/b.m3u"]


def test_what_is_told_while_a_file_is_followed_is_not_lost(
    kept: Kept, following: LibraryPlaylists, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.scan([A, B])
    store(kept, "a.mp3")
    resolve = following._tracks

    def meanwhile(folder: bytes, locations: list[str]) -> Iterator[Any]:
        monkeypatch.undo()
        store(kept, "b.mp3", mtime_ns=2)
        return resolve(folder, locations)

    monkeypatch.setattr(following, "_tracks", meanwhile)
    following.run()
    assert made(kept) == []
    following.run()
    assert titles(kept) == ["b"]


def test_the_list_of_an_album_beside_it_is_no_playlist(kept: Kept, following: LibraryPlaylists) -> None:
    album = [file(f"/r/A/{n}.mp3", title=str(n), artist="A", album="X") for n in range(3)]
    kept.scan([*album[:2], file("/r/A/single.mp3", title="single", artist="A"), A])
    store(kept, "1.mp3", "0.mp3", "2.mp3", path="/r/A/00-x.m3u")
    store(kept, "A/0.mp3", "A/1.mp3", "A/2.mp3", path="/r/Elsewhere.m3u")
    store(kept, "0.mp3", path="/r/A/Part.m3u")
    store(kept, "0.mp3", "1.mp3", "2.mp3", "single.mp3", path="/r/A/More.m3u")
    store(kept, path="/r/A/Empty.m3u")
    following.run()
    assert len(made(kept)) == 5  # one track of the album is still to come
    kept.scan(album[2:])
    following.run()
    names = ["Elsewhere", "Part", "More", "Empty"]
    assert {playlist.path for playlist in made(kept)} == {
        "/r/Elsewhere.m3u", *(f"/r/A/{name}.m3u" for name in names[1:])
    }  # fmt: skip
    assert kept.row("SELECT count(*) FROM playlist_files")[0] == 5
    store(kept, "1.mp3", path="/r/A/00-x.m3u", mtime_ns=2)
    following.run()
    assert len(made(kept)) == 5


def test_limits(kept: Kept, following: LibraryPlaylists, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.scan([A, B])
    monkeypatch.setattr(playlists, "MAX_PLAYLISTS_OF_USER", 2)
    monkeypatch.setattr(library_playlists, "MAX_ENTRIES", 3)
    for number in range(3):
        store(kept, *["a.mp3", "b.mp3"] * 2, path=f"/r/{number}.m3u")
    following.run()
    assert [titles(kept, playlist) for playlist in made(kept)] == [["a", "b", "a"]] * 2
    with kept.listeners.transaction() as db:  # the owner's own ones are counted apart
        playlists.create(db, OWNER, "Own", "", [], 1.0)
        assert library_playlists.remove_gone(db, lambda path: path == "/r/0.m3u") == 1
    assert kept.row("SELECT count(*) FROM playlist_files WHERE new_locations IS NOT NULL")[0] == 0
    kept.scan([C])
    following.run()
    assert {playlist.path for playlist in made(kept)} == {"/r/1.m3u", "/r/2.m3u"}
