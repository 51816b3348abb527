"""What a listener expects after correcting tags and pictures, when one scan has seen the changes."""

from dataclasses import dataclass

import pytest

from tests.pipeline.real_collections import files
from tests.pipeline.real_collections.conftest import Collection, Row
from tests.pipeline.real_collections.files import BLUE, RED


@dataclass
class Corrected:
    """The collection, and what it was before the corrections."""

    collection: Collection
    tracks: dict[str, Row]
    colours: dict[str, tuple[int, ...] | None]


@pytest.fixture(scope="module")
def corrected(collection: Collection) -> Corrected:
    albums = {title: collection.album(title)["id"] for title in ("Load", "Repainted", "Reframed")}
    assert [len(collection.albums_called(f"Songs of the {name}")) for name in ("fair", "market")] == [1, 1]
    before = Corrected(
        collection, collection.tracks, {title: collection.colour("album", id) for title, id in albums.items()}
    )
    files.correct(collection.stack.music / files.to_be_corrected.__name__)
    collection.scan()
    return before


@pytest.mark.parametrize(
    ("name", "titles"),
    [("fair", ["fair 1", "fair 2, corrected", "fair 3"]), ("market", [f"market {number}" for number in (1, 2, 3, 4)])],
    ids=["one is retagged", "one is added"],
)
def test_a_compilation_stays_one_album(corrected: Corrected, name: str, titles: list[str]) -> None:
    album = corrected.collection.album(f"Songs of the {name}")
    assert album["artist"] == "Various Artists"
    assert [track["title"] for disc in album["discs"] for track in disc["tracks"]] == titles


def test_a_corrected_spelling_and_year_are_shown_and_the_old_ones_gone(corrected: Corrected) -> None:
    track = corrected.collection.track("Misspelled")
    assert (track["artist"], track["album"], track["year"]) == ("Chloé Martén", "HUSET", 2012)
    assert track["id"] == corrected.tracks["Misspelled"]["id"]
    assert corrected.collection.album("HUSET")["year"] == 2012
    assert "Chloé Martén" in corrected.collection.artists()
    assert "chloe marten" not in corrected.collection.artists()


def test_a_name_is_corrected_where_an_id_says_who_it_is(corrected: Corrected) -> None:
    track = corrected.collection.tracks["By id"]
    assert (track["artist"], track["album"], track["album_artist"]) == ("Kris West", "Prøver", "Kris West")
    assert track["album_id"] == corrected.tracks["By id"]["album_id"]
    assert corrected.collection.found("Kris West") == ["Kris West"]
    assert "Kris Vest" not in corrected.collection.artists()


def test_tags_that_were_removed_are_gone(corrected: Corrected) -> None:
    before, track = corrected.tracks["Laden"], corrected.collection.tracks["Laden"]
    fields = ("track_no", "disc_no", "year", "genres")
    assert [before[field] for field in fields] == [4, 2, 1958, ["Skiffle"]]
    assert [track[field] for field in fields] == [None, None, None, []]
    assert corrected.collection.album("Load")["year"] is None
    assert corrected.collection.stack.get("/api/search", q="skiffle", type="genre")["total"] == 0


@pytest.mark.parametrize(("title", "colour"), [("Load", None), ("Repainted", BLUE), ("Reframed", BLUE)])
def test_a_picture_that_was_removed_or_replaced_is(
    corrected: Corrected, title: str, colour: tuple[int, int, int] | None
) -> None:
    album = corrected.collection.album(title)
    assert corrected.colours[title] == RED
    assert corrected.collection.colour("album", album["id"]) == colour
