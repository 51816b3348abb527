"""What users keep stays with its tracks, albums and artists: moved, retagged, merged, purged, in a new library."""

from pathlib import Path
from typing import Any

import pytest

from soniquebay.library import sessions
from soniquebay.listeners import bookmarks, marks, play_queue, playlists, plays, ratings, reattach, stars
from soniquebay.listeners.plays import Played
from soniquebay.listeners.upkeep import Upkeep
from tests.unit.listeners.libraries import Kept
from tests.unit.songs import ID_A, ID_B, file


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def song(path: str, title: str, **more: Any) -> Any:
    # A length of its own, so that no file is taken for another one that was moved.
    return file(path, **{"title": title, "artist": "Ada", "album": "X", "duration": 60.0 + len(title), **more})


SONGS = [song("/r/1", "One"), song("/r/2", "Seconds"), song("/r/3", "Three")]


def star(kept: Kept, kind: Any, library_id: int, at: float = 5.0) -> int:
    item = kept.item(kind, library_id)
    with kept.listeners.transaction() as db:
        stars.add(db, kept.user(), [item], at)
    return item


def starred(kept: Kept, kind: Any) -> list[int]:
    return marks.page(kept.listeners.reader(), kept.user(), kind, "starred", 100).ids


def keep_up(kept: Kept) -> None:
    Upkeep(kept.listeners).run()


def start_again(kept: Kept) -> None:
    kept.restart()
    reattach.detach(kept.listeners)


def entries(kept: Kept, item_ids: list[int]) -> list[tuple[int | None, bool, str]]:
    found = marks.entries(kept.listeners.reader(), item_ids)
    return [(entry.track_id, entry.is_missing, entry.title) for entry in found]


def test_moved_and_retagged_files_keep_their_stars(kept: Kept) -> None:
    kept.scan(SONGS)
    star(kept, "track", 1)
    star(kept, "album", 1)
    star(kept, "artist", 1)
    kept.scan([song("/r/new/1", "One")], ["/r/1"])
    keep_up(kept)
    assert kept.row("SELECT path FROM items WHERE kind = 'track' AND library_id = 1")["path"] == "/r/new/1"
    retagged = [{**f, "mtime_ns": 2} for f in (
        song("/r/new/1", "Eins", artist="Adah", album="Y"), song("/r/2", "Zwei", artist="Adah", album="Y"),
        song("/r/3", "Drei", artist="Adah", album="Y"))]  # fmt: skip
    kept.scan(retagged)
    keep_up(kept)
    assert [starred(kept, kind) for kind in ("track", "album", "artist")] == [[1], [1], [1]]
    titles = kept.listeners.reader().execute("SELECT kind, title FROM items WHERE library_id = 1")
    assert dict(map(tuple, titles)) == {"track": "Eins", "album": "Y", "artist": "Adah"}


def test_missing_tracks_are_hidden_and_return(kept: Kept) -> None:
    kept.scan(SONGS)
    item = star(kept, "track", 1)
    kept.scan([], ["/r/1"])
    keep_up(kept)
    assert starred(kept, "track") == []
    assert entries(kept, [item]) == [(1, True, "One")]
    kept.scan([song("/r/1", "One")])
    assert starred(kept, "track") == [1]
    assert entries(kept, [item]) == [(1, False, "One")]


def test_an_unplugged_drive_and_a_full_scan_change_nothing(kept: Kept) -> None:
    kept.scan(SONGS)
    star(kept, "track", 2)
    star(kept, "album", 1)
    kept.scan([], ["/r/1", "/r/2", "/r/3"], files=0)  # protected
    keep_up(kept)
    kept.scan(SONGS)
    start_again(kept)
    keep_up(kept)
    assert (starred(kept, "track"), starred(kept, "album")) == ([2], [1])


@pytest.mark.parametrize("restarted", [False, True])
def test_a_purged_track_that_returns_has_its_star(kept: Kept, restarted: bool) -> None:
    kept.scan(SONGS)
    item = star(kept, "track", 1)
    kept.scan([], ["/r/1"])
    kept.purge()
    keep_up(kept)
    assert starred(kept, "track") == []
    assert entries(kept, [item]) == [(None, True, "One")]
    if restarted:
        start_again(kept)
    kept.scan([song("/r/else", "One")])
    keep_up(kept)
    assert starred(kept, "track") == [4]
    assert entries(kept, [item]) == [(4, False, "One")]


def test_what_hangs_on_the_new_id_of_a_purged_track_is_joined(kept: Kept) -> None:
    kept.scan(SONGS)
    old = star(kept, "track", 1, at=5)
    user = kept.user()
    with kept.listeners.transaction() as db:
        ratings.rate(db, user, old, 2, 5)
        bookmarks.save(db, user, old, 1000, "old", 5)
        playlist = playlists.create(db, user, "P", "", [old, old], 5)
        play_queue.save(db, user, [old], 0, 0, "x", 5)
        plays.record(db, user, Played([played := marks_item(kept, 1)]), 5, "x")
    assert played.library_id == 1
    kept.scan([], ["/r/1"])
    kept.purge()
    kept.scan([song("/r/1", "One")])
    new = star(kept, "track", 4, at=9)
    with kept.listeners.transaction() as db:
        ratings.rate(db, user, new, 4, 9)
        bookmarks.save(db, user, new, 2000, "new", 9)
        plays.record(db, user, Played([marks_item(kept, 4)]), 5, "x")  # at the same time as the other one
        plays.record(db, user, Played([marks_item(kept, 4)]), 9, "x")
        playlists.append(db, playlist, [new], 9)
    keep_up(kept)
    db = kept.listeners.reader()
    assert marks.of_items(db, user, "track", [4]) == {4: marks.Marks(5, 4, 3, 9)}
    assert playlists.ENTRIES.read(db, playlist.id) == [new] * 3
    assert play_queue.ENTRIES.read(db, user) == [new]
    assert [b["comment"] for b in bookmarks.of_user(db, user)] == ["new"]
    assert [play["played_at"] for play in plays.recent(db, user, 9)] == [9, 5]
    assert kept.row("SELECT 1 FROM items WHERE id = ?", old) is None


def marks_item(kept: Kept, track_id: int) -> Any:
    return plays.read_played(kept.listeners.reader(), track_id).items[0]


def test_merged_albums_and_artists_keep_both_stars(kept: Kept) -> None:
    kept.scan([*SONGS, song("/r/4", "Fourth", artist="Adah", album="Y"),
               song("/r/5", "Fifths", artist="Adah", album="Y")])  # fmt: skip
    albums, artists = kept.ids("albums"), kept.ids("artists", "name")
    star(kept, "album", albums["Y"])
    star(kept, "artist", artists["Adah"])
    # Both change to names that are there already, so their own rows go.
    kept.scan([{**song("/r/4", "Fourth"), "mtime_ns": 2}, {**song("/r/5", "Fifths"), "mtime_ns": 2}])
    assert list(kept.ids("albums")) == ["X"] and list(kept.ids("artists", "name")) == ["Ada"]
    keep_up(kept)
    assert (starred(kept, "album"), starred(kept, "artist")) == ([albums["X"]], [artists["Ada"]])


def many(order: int = 1) -> list[Any]:
    return [
        song(f"/r/{a}/{n}", f"Song {a} {n}", artist=f"Artist {a}", album=f"Album {a}", duration=60 + a + n / 10)
        for a in range(8)
        for n in range(4)
    ][::order]


@pytest.mark.parametrize(("moved", "scanned_before"), [(False, False), (True, False), (False, True)])
def test_a_library_that_was_made_anew_has_everything_again(kept: Kept, moved: bool, scanned_before: bool) -> None:
    kept.scan(many())
    tracks, albums, artists = kept.ids("tracks"), kept.ids("albums"), kept.ids("artists", "name")
    for n in (1, 5, 6):
        star(kept, "track", tracks[f"Song {n} 2"], at=n)
        star(kept, "album", albums[f"Album {n}"], at=n)
        star(kept, "artist", artists[f"Artist {n}"], at=n)
    kept.lose_library()
    # The ids are those of others now; nothing may be shown with them until everything is found.
    if scanned_before:
        kept.scan([{**f, "path": f["path"].replace("/r", "/r/m" if moved else "/r")} for f in many(-1)])
    assert reattach.detach(kept.listeners) >= 9
    if not scanned_before:
        kept.scan([{**f, "path": f["path"].replace("/r", "/r/m" if moved else "/r")} for f in many(-1)])
    assert [starred(kept, kind) for kind in ("track", "album", "artist")] == [[], [], []]
    assert kept.ids("tracks") != tracks
    keep_up(kept)
    names = {
        "track": {i: name[5] for name, i in kept.ids("tracks").items()},
        "album": {i: name[6] for name, i in kept.ids("albums").items()},
        "artist": {i: name[7] for name, i in kept.ids("artists", "name").items()},
    }
    for kind in ("track", "album", "artist"):
        assert [names[kind][i] for i in starred(kept, kind)] == ["6", "5", "1"], kind
    assert reattach.detach(kept.listeners) == 0


def test_an_older_copy_of_the_library_gives_no_star_to_another_track(kept: Kept, tmp_path: Path) -> None:
    kept.scan(SONGS)
    with kept.library._locked_writer() as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copy = (tmp_path / "library.db").read_bytes()
    kept.scan([song("/r/4", "Fourth")])
    star(kept, "track", 4)
    for name in tmp_path.glob("library.db*"):
        name.unlink()
    (tmp_path / "library.db").write_bytes(copy)
    start_again(kept)
    kept.scan([song("/r/other", "Other song")])
    assert kept.ids("tracks")["Other song"] == 4
    keep_up(kept)
    assert starred(kept, "track") == []
    kept.scan([song("/r/4", "Fourth")])
    keep_up(kept)
    assert starred(kept, "track") == [5]


def test_two_copies_of_a_file_each_get_one_again(kept: Kept) -> None:
    copies = [song("/r/a/1", "Same"), song("/r/b/1", "Same")]
    kept.scan(copies)
    star(kept, "track", 1, at=1)
    star(kept, "track", 2, at=2)
    kept.lose_library()
    reattach.detach(kept.listeners)
    kept.scan([{**f, "path": f"{f['path']}.moved"} for f in copies])
    keep_up(kept)
    assert sorted(starred(kept, "track")) == [1, 2]


@pytest.mark.parametrize(
    ("new", "found"),
    [
        (song("/r/1", "One", duration=70), True),  # another file in the same place
        (song("/r/x", "One", duration=64.5, format="MP3", size=9), True),  # the same song in another format
        (song("/r/x", "One", duration=90), False),  # a longer version
        (song("/r/x", "One", artist="Bo"), False),
        (song("/r/x", "Renamed", duration=64, mb_recording=ID_A), True),
        (song("/r/x", "Renamed", duration=64, mb_recording=ID_B), False),
    ],
)  # fmt: skip
def test_what_a_track_is_found_by(kept: Kept, new: Any, found: bool) -> None:
    kept.scan([song("/r/1", "One", mb_recording=ID_A)])
    star(kept, "track", 1)
    kept.lose_library()
    reattach.detach(kept.listeners)
    kept.scan([song("/r/0", "Fillers"), new])
    keep_up(kept)
    assert starred(kept, "track") == [kept.ids("tracks")[new["tags"]["title"]]] * found


def test_two_artists_of_one_name_are_told_apart_by_their_ids(kept: Kept) -> None:
    songs = [song("/r/1", "One", mb_artist=ID_A), song("/r/2", "Seconds", mb_artist=ID_B, album="Y")]
    kept.scan(songs)
    star(kept, "artist", kept.ids("artists", "mbid")[ID_B])
    kept.lose_library()
    reattach.detach(kept.listeners)
    kept.scan([*songs[::-1], song("/r/3", "Three", artist="Cy", album="Z")])
    keep_up(kept)
    assert starred(kept, "artist") == [kept.ids("artists", "mbid")[ID_B]]
    kept.lose_library()
    reattach.detach(kept.listeners)
    kept.scan(songs[:1])
    keep_up(kept)
    assert starred(kept, "artist") == []


def test_unused_items_are_forgotten(kept: Kept) -> None:
    kept.scan(SONGS)
    item = star(kept, "album", 1)
    assert kept.row("SELECT count(*) FROM items")[0] == 2  # the album and its sample
    with kept.listeners.transaction() as db:
        stars.remove(db, kept.user(), [item])
    keep_up(kept)
    assert kept.row("SELECT count(*) FROM items")[0] == 0


def test_a_library_that_is_half_scanned_is_waited_for(kept: Kept) -> None:
    kept.scan([song("/r/1", "One"), song("/r/copy", "One", size=2)])
    star(kept, "track", 1)
    kept.lose_library()
    reattach.detach(kept.listeners)
    kept.scan([song("/r/copy", "One", size=2)])
    with kept.library.transaction() as db:
        session = sessions.start(db)
    upkeep = Upkeep(kept.listeners)
    upkeep.run()
    assert starred(kept, "track") == []
    with kept.library.transaction() as db:
        sessions.cancel(db, session)
    kept.scan([song("/r/1", "One")])
    upkeep.run()
    assert starred(kept, "track") == [2]


def test_nothing_is_done_without_a_scan(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.scan(SONGS)
    upkeep = Upkeep(kept.listeners)
    runs = []
    monkeypatch.setattr("soniquebay.listeners.upkeep.detach", runs.append)
    upkeep.run()
    upkeep.run()
    assert len(runs) == 1
    kept.scan([])
    upkeep.run()
    assert len(runs) == 2
