"""Rankings by sound tags: who is in them, in which order, and that they follow the library."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from soniquebay.audio.analysis import analyse
from soniquebay.audio.sound_tags import SOUND_TAGS, SOUND_TAGS_VERSION
from soniquebay.library import missing_tracks
from soniquebay.library.database import Database
from soniquebay.library.similarity import sound_tags, tag_index
from soniquebay.library.similarity.tag_index import TagIndex
from soniquebay.library.similarity.tag_names import TAG_NAMES, TAG_WORDS, TAGS_OF_GENRES, UnknownTagError, tag_named
from soniquebay.library.similarity.tag_rankings import TagRankings
from tests.support.audio_files import tone
from tests.support.tagged_library import stored, tag
from tests.unit.songs import file, insert

NUMBER = 20


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "library.db")
    opened.migrate()
    insert(opened, *(file(f"/r/{n}.flac", title=f"Song {n}", artist="A") for n in range(NUMBER)))
    yield opened


def ids(index: TagIndex, *names: str) -> list[int]:
    return [track_id for track_id, _ in index.tracks(names)]


def test_the_tags_are_the_words_without_synonyms_decades_and_moods() -> None:
    left_out = set(SOUND_TAGS) - {word for words in TAG_WORDS.values() for word in words}
    assert left_out == {"60s", "70s", "80s", "90s", "00s", "happy", "sad"}
    assert TAG_WORDS["chill"] == ("chill", "chillout", "Mellow")
    assert (tag_named("Mellow"), tag_named("CHILLOUT"), tag_named(" hip-hop")) == ("chill", "chill", "hip-hop")
    assert list(TAG_NAMES) == sorted(set(TAG_NAMES))
    assert {"metal", "hip-hop"} < TAGS_OF_GENRES
    assert not {"chill", "female vocalists", "sexy"} & TAGS_OF_GENRES


@pytest.mark.parametrize("text", ["sad", "90s", "mettal", ""])
def test_an_unknown_tag_is_told_with_the_known_ones(text: str) -> None:
    with pytest.raises(UnknownTagError, match="heavy metal, hip-hop, house"):
        tag_named(text)


def test_the_likely_ones_of_the_top_fifth_are_ranked(database: Database) -> None:
    # Of 20 tracks four are the top fifth.
    tag(database, metal={1: 0.5, 7: 0.9, 3: 0.6, 5: 0.7, 9: 0.4}, jazz={2: 0.1, 4: 0.09, 6: 0.3})
    index = TagIndex(database)
    assert ids(index, "metal") == [7, 5, 3, 1]  # 9 is likely, but not in the top fifth
    assert ids(index, "jazz") == [6, 2]  # 4 is in the top fifth, but not likely
    assert {name: count for name, count in index.counts().items() if count} == {"jazz": 2, "metal": 4}


def test_equally_likely_ones_are_in_the_order_of_their_ids(database: Database) -> None:
    tag(database, rock=dict.fromkeys(range(1, NUMBER + 1), 0.5))
    assert ids(TagIndex(database), "rock") == [1, 2, 3, 4]


def test_a_synonym_counts_as_the_word(database: Database) -> None:
    tag(database, chill={1: 0.2}, chillout={2: 0.4}, Mellow={1: 0.3})
    assert TagIndex(database).tracks(["chill"]) == [
        (2, pytest.approx(0.4, abs=1e-3)),
        (1, pytest.approx(0.3, abs=1e-3)),
    ]


def test_several_tags_are_those_of_all_in_the_order_of_the_product(database: Database) -> None:
    tag(database, ambient={1: 0.9, 2: 0.2, 3: 0.8, 4: 0.8}, instrumental={1: 0.1, 2: 0.9, 3: 0.5, 5: 0.9})
    index = TagIndex(database)
    assert ids(index, "ambient", "instrumental") == ids(index, "instrumental", "ambient") == [3, 2, 1]
    assert ids(index, "ambient", "metal") == []


def test_a_track_tells_its_tags_the_most_likely_first(database: Database) -> None:
    tag(database, guitar={1: 0.8, 2: 0.9}, folk={1: 0.3}, blues={1: 0.2, 3: 0.1, 4: 0.3}, sad={1: 0.9})
    index = TagIndex(database)
    assert [(found.name, found.position, found.share) for found in index.of_track(1)] == [
        ("guitar", 2, 2 / NUMBER), ("folk", 1, 1 / NUMBER), ("blues", 2, 2 / NUMBER)
    ]  # fmt: skip
    assert index.genre(1) == "folk"  # "guitar" is none
    assert index.genre(2) is None
    assert index.of_track(999) == []
    numbers = index.numbers([1, 2, 3, 5, 999])
    assert [TAG_NAMES[number - 1] if number else "" for number in numbers] == ["guitar", "guitar", "blues", "", ""]


def test_the_rankings_follow_the_library(database: Database) -> None:
    index = TagIndex(database)
    assert ids(index, "metal") == []
    assert index.of_track(1) == []
    assert index.numbers([1]) == [0]
    assert set(index.counts().values()) == {0}
    tag(database, metal={1: 0.5, 2: 0.9})
    assert ids(index, "metal") == [2, 1]
    with database.transaction() as db:
        missing_tracks.mark_missing(db, ["/r/1.flac"])
    assert ids(index, "metal") == [1]
    assert index.of_track(2) == []
    with database.transaction() as db:
        db.execute("UPDATE sound_tags SET version = version + 1 WHERE track_id = 1")
    assert ids(index, "metal") == []


def test_a_large_library_is_read_again_in_the_background(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_index, "_MAX_SYNCHRONOUS_TRACKS", NUMBER - 1)
    monkeypatch.setattr(tag_index, "_PAUSE_FACTOR", 0)
    tag(database, metal={1: 0.5})
    index = TagIndex(database)
    assert ids(index, "metal") == [1]
    tag(database, metal={2: 0.5})
    with ThreadPoolExecutor(1) as requests, index._lock:  # as while the rankings are made
        assert requests.submit(ids, index, "metal").result(10) == [1]  # no request waits
    deadline = time.monotonic() + 10
    while ids(index, "metal") != [2]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_real_sound_gets_some_tags(database: Database, tmp_path: Path) -> None:
    heard = analyse(str(tone(tmp_path / "tone.flac", 6, 200)))
    with database.transaction() as db:
        data = heard.sound_tags.astype("<f2").tobytes()
        sound_tags.store(db, 1, (SOUND_TAGS_VERSION, data))
    found = [tag.name for tag in TagIndex(database).of_track(1)]
    assert found[0] == "electronic"
    assert 1 <= len(found) < 10


def test_a_hundred_thousand_tracks_take_less_than_two_seconds_of_processor_time() -> None:
    chance = np.random.default_rng(1)
    words = chance.beta(0.3, 4, size=(100_000, len(SOUND_TAGS))).astype(np.float16)
    started = time.process_time()
    rankings = TagRankings(np.arange(1, 100_001, dtype=np.int64), words)
    assert time.process_time() - started < 2
    assert rankings.counts()["metal"] == pytest.approx(20_000, abs=1)
    started = time.process_time()
    assert rankings.tracks(["metal", "ambient"])
    assert rankings.of_track(500) is not None
    assert time.process_time() - started < 0.2


def test_what_the_test_stores_is_what_the_analysis_stores(database: Database) -> None:
    version, data = stored(metal=0.5, female_vocalists=0.25)
    values = dict(zip(SOUND_TAGS, np.frombuffer(data, "<f2"), strict=True))
    assert (version, values["metal"], values["female vocalists"], sum(values.values())) == (1, 0.5, 0.25, 0.75)
