"""Smart playlists: rules, also those of Navidrome's files."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library.similarity import vectors
from soniquebay.listeners import playlists, plays, ratings, rule_fields, rules, stars
from soniquebay.listeners.rules import BySound, UnacceptableRulesError
from tests.unit.listeners.libraries import Kept
from tests.unit.songs import file

NOW = 1_000_000_000.0
DAY = 86400.0


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    made = Kept(tmp_path_factory.mktemp("kept"))
    made.scan([
        file("/r/1.flac", title="One", artist="Ada & Bo", album="X", genres=("Rock", "Folk"), year=1981, track=1),
        file("/r/2.flac", title="100% two_", artist="Cy", album="Y", genres=("rock",), year="1990-05-01", duration=300,
             comment="live take"),
        file("/r/3.mp3", title="Three", artist="Cy", album_artist="Various Artists", compilation=True, album="Z",
             format="MP3", composer="Dee"),
        file("/r/4.mp3", title="Four", artist="Éve", format="MP3", year=2001),
    ], files=4)  # fmt: skip
    items = [made.item("track", n) for n in (1, 2, 3, 4)]
    user, bob = made.user(), made.user("Bob")
    reader = made.listeners.reader()
    played = {n: plays.read_played(reader, n) for n in (1, 2)}
    with made.listeners.transaction() as db:
        stars.add(db, user, [items[0]], NOW - 5 * DAY)
        stars.add(db, bob, items, NOW)
        ratings.rate(db, user, items[1], 4, NOW)
        for at in (1, 2):
            plays.record(db, user, played[1], NOW - at * DAY, "")
        plays.record(db, user, played[2], NOW - 40 * DAY, "")
        playlists.create(db, user, "Own", "", [items[3]], NOW)
        playlists.create(db, bob, "Bob's", "", [items[2]], NOW)
    vector = b"\0" * 4 * VECTOR_SIZE
    with made.library.transaction() as db:
        vectors.store(db, 1, FEATURE_VERSION, vector, None, bpm=90.0, musical_key="A minor")
        vectors.store(db, 3, FEATURE_VERSION, vector, None, bpm=120.0, musical_key="Eb major")
    return made


BY_SOUND = BySound(lambda track_id: [track_id + 1, 4], lambda tag: {"metal": [2, 3], "chill": [1]}.get(tag, []))


def selected(kept: Kept, document: dict[str, Any]) -> list[int]:
    playlist = rules.parse(document)
    return rules.select(kept.listeners.reader(), playlist, kept.user(), NOW, BY_SOUND)


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ({"is": {"loved": True}}, [1]),
        ({"is": {"loved": "false"}}, [2, 3, 4]),
        ({"isNot": {"loved": True}}, [2, 3, 4]),
        ({"IS": {"Title": "one"}}, [1]),
        ({"isNot": {"title": "One"}}, [2, 3, 4]),
        ({"contains": {"title": "%"}}, [2]),
        ({"contains": {"title": "two_"}}, [2]),
        ({"contains": {"title": "_"}}, [2]),
        ({"startsWith": {"title": "t"}}, [3]),
        ({"endsWith": {"title": "E"}}, [1, 3]),
        ({"notContains": {"title": "o"}}, [3]),
        # Below the folder of music: where that one lies is not found out.
        ({"startsWith": {"filePath": "1."}}, [1]),
        ({"is": {"filePath": "2.flac"}}, [2]),
        ({"startsWith": {"filePath": "/"}}, []),
        ({"contains": {"filePath": "r/"}}, []),
        ({"is": {"genre": "folk"}}, [1]),
        ({"is": {"genre": "ROCK"}}, [1, 2]),
        ({"isNot": {"genre": "Folk"}}, [2, 3, 4]),
        ({"contains": {"genre": "ock"}}, [1, 2]),
        ({"is": {"artist": "Ada & Bo"}}, [1]),
        ({"is": {"artist": "Cy"}}, [2, 3]),
        ({"is": {"albumArtist": "various artists"}}, [3]),
        ({"is": {"composer": "Dee"}}, [3]),
        ({"notContains": {"comment": "live"}}, [1, 3, 4]),
        ({"is": {"fileType": "mp3"}}, [3, 4]),
        ({"is": {"compilation": True}}, [3]),
        ({"inTheRange": {"year": [1981, 1990]}}, [1, 2]),
        ({"is": {"year": "2001"}}, [4]),
        ({"isNot": {"year": 2001}}, [1, 2, 3]),
        ({"gt": {"duration": 299}}, [2]),
        ({"after": {"date": "1990-04-30"}}, [2, 4]),
        ({"before": {"date": "1990-05"}}, [1]),
        ({"gt": {"rating": 3}}, [2]),
        ({"lt": {"rating": 1}}, [1, 3, 4]),
        ({"is": {"playCount": 0}}, [3, 4]),
        ({"gt": {"playCount": 1}}, [1]),
        ({"inTheLast": {"lastPlayed": 30}}, [1]),
        ({"notInTheLast": {"lastPlayed": 30}}, [2, 3, 4]),
        ({"after": {"lastPlayed": "2001-01-01"}}, [1, 2]),
        ({"inTheLast": {"dateLoved": 6}}, [1]),
        ({"after": {"dateAdded": "2020-01-01"}}, [1, 2, 3, 4]),
        ({"inPlaylist": {"id": 1}}, [4]),
        ({"notInPlaylist": {"id": "1"}}, [1, 2, 3]),
        ({"inPlaylist": {"id": 2}}, []),  # another user's own
        ({"is": {"similarTo": 1}}, [2, 4]),
        ({"isNot": {"similarTo": 1}}, [1, 3]),
        ({"is": {"key": "a minor"}}, [1]),
        ({"is": {"key": "8A"}}, [1]),
        ({"is": {"key": "5b"}}, [3]),
        ({"isNot": {"key": "8a"}}, [2, 3, 4]),
        ({"is": {"key": "13A"}}, []),
        ({"endsWith": {"key": "major"}}, [3]),
        ({"gt": {"bpm": 100}}, [3]),
        ({"is": {"tag": "Metal"}}, [2, 3]),
        ({"is": {"tag": "chillout"}}, [1]),
        ({"isNot": {"tag": "metal"}}, [1, 4]),
        ({"is": {"tag": "jazz"}}, []),
        ({"any": [{"is": {"loved": True}}, {"all": [{"is": {"artist": "Cy"}}, {"gt": {"rating": 0}}]}]}, [1, 2]),
    ],
)
def test_conditions(kept: Kept, condition: dict[str, Any], ids: list[int]) -> None:
    assert sorted(selected(kept, {"all": [condition]})) == ids


def test_every_field_is_read(kept: Kept) -> None:
    values = {"text": "x", "number": 1, "flag": True, "day": "2001", "time": "2001-01-01", "similar": 1, "tag": "jazz"}
    for name, field in rule_fields.FIELDS.items():
        for operator in rule_fields.OPERATORS[field.kind]:
            value: Any = [values[field.kind]] * 2 if operator == "intherange" else values[field.kind]
            value = 1 if operator == "inthelast" else value
            selected(kept, {"any": [{operator: {name: value}}], "sort": name if field.sql else ""})


def test_order_and_limit(kept: Kept) -> None:
    everything = [{"gt": {"playCount": -1}}]
    for sort, order, ids in (
        ("year", "", [3, 1, 2, 4]), ("year", "desc", [4, 2, 1, 3]), ("-filetype,title", "", [4, 3, 2, 1]),
        ("-filetype,title", "desc", [1, 2, 3, 4]), ("title", "asc", [2, 4, 1, 3]),
    ):  # fmt: skip
        assert selected(kept, {"all": everything, "sort": sort, "order": order}) == ids, (sort, order)
    assert selected(kept, {"all": everything, "sort": "-year", "limit": 2}) == [4, 2]
    assert sorted(selected(kept, {"all": everything, "sort": "random"})) == [1, 2, 3, 4]


def test_a_file_of_navidrome() -> None:
    found = rules.read(
        b'\xef\xbb\xbf{"name": "80s", "comment": "c", "all": [{"any": [{"is": {"loved": true}}, {"gt": {"rating": 3}}'
        b']}, {"inTheRange": {"year": [1981, 1990]}}], "sort": "year", "order": "desc", "limit": 25}'
    )
    assert (found.name, found.comment, found.sort, found.limit) == ("80s", "c", (("year", True),), 25)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "object"), ({}, "all"), ({"all": [], "any": []}, "either"), ({"all": []}, "list"), ({"all": {}}, "list"),
        ({"all": [1]}, "operator"), ({"all": [{}]}, "operator"), ({"all": [{"is": 1}]}, "one field"),
        ({"all": [{"is": {"a": 1, "b": 2}}]}, "one field"), ({"all": [{"is": {"nothing": 1}}]}, "no field nothing"),
        ({"all": [{"gt": {"title": "x"}}]}, "title cannot be compared by gt"),
        ({"all": [{"; DROP": {"title": "x"}}]}, "cannot be compared"),
        ({"all": [{"is": {"year": "x"}}]}, "number"), ({"all": [{"is": {"year": True}}]}, "number"),
        ({"all": [{"is": {"year": 1e400}}]}, "number"), ({"all": [{"is": {"year": float("nan")}}]}, "number"),
        ({"all": [{"is": {"loved": 2}}]}, "true or false"), ({"all": [{"is": {"title": None}}]}, "text"),
        ({"all": [{"is": {"title": "x" * 1001}}]}, "1000"), ({"all": [{"after": {"dateAdded": "soon"}}]}, "date"),
        ({"all": [{"inTheRange": {"year": [1]}}]}, "two values"), ({"all": [{"is": {"similarTo": 1.5}}]}, "id"),
        ({"all": [{"is": {"tag": "mettal"}}]}, "there are: .*metal"), ({"all": [{"is": {"tag": True}}]}, "text"),
        ({"all": [{"contains": {"tag": "metal"}}]}, "cannot be compared"),
        ({"all": [{"is": {"tag": "metal"}}], "sort": "tag"}, "no order"),
        ({"all": [{"is": {"loved": True}}] * 101}, "100 conditions"),
        ({"all": [{"is": {"loved": True}}], "sort": "x; DROP"}, "no order"),
        ({"all": [{"is": {"loved": True}}], "sort": "similarTo"}, "no order"),
        ({"all": [{"is": {"loved": True}}], "order": "up"}, "order"),
        ({"all": [{"is": {"loved": True}}], "limit": -1}, "limit"),
        ({"all": [{"is": {"loved": True}}], "limit": "9"}, "limit"),
        ({"all": [{"is": {"loved": True}}], "name": 1}, "name"),
    ],
)  # fmt: skip
def test_what_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(UnacceptableRulesError, match=reason):
        rules.parse(document)


def test_depth_is_limited() -> None:
    nested: Any = {"is": {"loved": True}}
    for _ in range(9):
        nested = {"all": [nested]}
    rules.parse({"all": [nested]})
    with pytest.raises(UnacceptableRulesError, match="deep"):
        rules.parse({"all": [{"all": [nested]}]})
    with pytest.raises(UnacceptableRulesError, match=r"JSON|deep"):
        rules.read(b'{"all":' + b"[" * 100_000)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["all", "any", "is", "gt", "contains", "inTheRange", "title", "year"]), inner)
    ),
    max_leaves=8,
)


@given(_VALUES)
def test_any_json_is_read_or_refused(value: Any) -> None:
    try:
        rules.read(json.dumps(value).encode())
    except UnacceptableRulesError:
        return


def test_values_are_bound(kept: Kept, tmp_path: Path) -> None:
    for text in ("' OR 1=1 --", '"', "\\", "%", "x' COLLATE y"):
        for field in ("title", "genre", "artist"):
            condition = rules.query(rules.parse({"all": [{"is": {field: text}}]}), 1, NOW, BY_SOUND)
            assert text not in condition.text or text in {'"', "\\", "%"}
            assert text in condition.values
