"""The lists of smart playlists that are kept for a moment."""

import json
from pathlib import Path

from soniquebay.listeners import playlists, smart_lists, stars
from soniquebay.listeners.playlists import Playlist
from soniquebay.listeners.rules import BySound
from soniquebay.listeners.smart_lists import CACHE_SECONDS, MAX_LISTS, SmartLists
from tests.unit.listeners.libraries import Kept
from tests.unit.songs import file


def smart(kept: Kept, rules: object) -> Playlist:
    with kept.listeners.transaction() as db:
        return playlists.create(db, kept.user(), "x", "", [], 1, rules=json.dumps(rules))


def test_a_list_is_kept_for_a_moment_and_is_its_owners(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.scan([file("/r/1"), file("/r/2")])
    lists = SmartLists(kept.listeners, BySound(lambda _: [], lambda _: []))
    made = smart(kept, {"all": [{"is": {"loved": True}}]})
    items = [kept.item("track", n) for n in (1, 2)]
    assert lists.track_ids(made, lambda: 0) == []
    with kept.listeners.transaction() as db:
        stars.add(db, kept.user("Bob"), items, 1)
        stars.add(db, kept.user(), items[1:], 1)
    assert lists.track_ids(made, lambda: CACHE_SECONDS - 1) == []
    assert lists.track_ids(made, lambda: CACHE_SECONDS + 1) == [2]
    for n in range(MAX_LISTS + 5):
        lists.track_ids(smart(kept, {"all": [{"gt": {"playCount": -n}}]}))
    assert len(lists._lists) == smart_lists.MAX_LISTS
