"""Lists: every filter, every order, and cursors while the library changes."""

import asyncio
import base64
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import covers, queries
from soniquebay.library.browsing import browse, pages
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.library.similarity import rankings, vectors
from soniquebay.settings import from_environment
from tests.unit.songs import ID_A, file, insert

Get = Callable[..., Any]
ARTISTS = ("The Bees", "Ådne", "abba", "Zoe", "Cy")
TITLES = ("Part 10", "part 9", "The End", "Élan", "!!!", "Zebra", "apple")
YEARS = (1994, 2001, 2010, None)
FORMATS = ("FLAC", "MP3")


def songs(number: int = 60) -> list[Any]:
    chance = random.Random(5)  # noqa: S311 - the same in each run
    found = []
    for n in range(number):
        album = n // 6
        found.append(
            file(
                f"/{n}.flac",
                duration=n + 1.0,
                size=n + 1,
                title=chance.choice(TITLES),
                artist=f"{chance.choice(ARTISTS)} feat. Guest" if n % 11 == 0 else chance.choice(ARTISTS),
                album=None if n % 13 == 0 else f"{TITLES[album % 7]} {album}",
                album_artist=None if n % 13 == 0 else ARTISTS[album % 5],
                track=chance.choice((1, 2, 3, None)),
                disc=chance.choice((1, 2, None)),
                year=YEARS[album % 4],
                genres=(("Rock",), ("Jazz", "Soul"), ())[n % 3],
                composer="Joan" if n % 7 == 0 else None,
                compilation=album == 3,
                format=FORMATS[n % 5 == 0],
            )
        )
    return found


def made(folder: Path, files: list[Any]) -> Services:
    services = make_services(from_environment({"SONIQUEBAY_LOGIN": "off", "SONIQUEBAY_DATA": str(folder)}))
    services.database.migrate()
    for start in range(0, len(files), 25):
        insert(services.database, *files[start : start + 25])
    return services


def getter(app: FastAPI) -> Get:
    async def request(path: str, parameters: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://soniquebay.local") as client:
            return await client.get(f"/api/{path}", params=parameters)

    def get(path: str, status: int = 200, **parameters: Any) -> Any:
        answer = asyncio.run(request(path, parameters))
        assert answer.status_code == status, answer.text
        return answer.json()

    return get


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    services = made(tmp_path_factory.mktemp("library"), songs())
    with services.database.transaction() as db:
        # Not all were added at once.
        db.execute("UPDATE tracks SET added_at = 1000 + (id * 7) % 50")
        db.execute("UPDATE albums SET added_at = 1000 + (id * 7) % 50")
    return services


@pytest.fixture(scope="module")
def get(services: Services) -> Get:
    return getter(public_app(services))


@pytest.fixture(params=["sorted", "walked", "walk given up"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have pages found in each of the ways."""
    if request.param != "sorted":
        monkeypatch.setattr(pages, "max_sorted_rows", lambda *_: 0)
        monkeypatch.setattr(browse, "max_sorted_rows", lambda *_: 0)
    else:
        monkeypatch.setattr(pages, "max_sorted_rows", lambda *_: 1000)
        monkeypatch.setattr(browse, "max_sorted_rows", lambda *_: 1000)
    if request.param == "walk given up":
        monkeypatch.setattr(pages, "MAX_WALK_INSTRUCTIONS", 1)
    return str(request.param)


def all_pages(get: Get, path: str, limit: int = 7, **parameters: Any) -> list[Any]:
    items: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = get(path, limit=limit, **parameters, **cursor)
        items += page["items"]
        assert len(items) < 1000, "the pages go round in a circle"
        assert len(page["items"]) == limit or page["next"] is None
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}


def everything(get: Get, path: str) -> list[Any]:
    return list(get(path, limit=500)["items"])


def first(value: Any) -> tuple[bool, Any]:
    return (value is not None, value)  # None stands before all values


SORTED_TITLES = ["!!!", "apple", "Élan", "The End", "part 9", "Part 10", "Zebra"]
SORTED_ARTISTS = ["abba", "Ådne", "The Bees", "Cy", "Zoe"]
TRACK_KEYS: dict[str, Callable[[Any], Any]] = {
    "album": lambda t: (first(t["album_id"]), first(t["disc_no"]), first(t["track_no"]), t["id"]),
    "title": lambda t: (SORTED_TITLES.index(t["title"]), t["id"]),
    "artist": lambda t: (SORTED_ARTISTS.index(t["artists"][0]["name"]), TRACK_KEYS["album"](t)),
    "year": lambda t: (first(t["year"]), t["id"]),
    "added": lambda t: (t["added_at"], t["id"]),
}
ALBUM_KEYS: dict[str, Callable[[Any], Any]] = {
    "artist": lambda b: (SORTED_ARTISTS.index(b["artist"]), first(b["year"]), title_of(b), b["id"]),
    "title": lambda b: (title_of(b), b["id"]),
    "year": lambda b: (first(b["year"]), b["id"]),
    "added": lambda b: (b["added_at"], b["id"]),
}


def title_of(album: Any) -> tuple[int, int]:
    title, _, number = album["title"].rpartition(" ")
    return SORTED_TITLES.index(title), int(number)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", TRACK_KEYS)
@pytest.mark.parametrize("filters", [{}, {"genre_id": 1}, {"year_from": 1995, "year_to": 2005}])
def test_tracks_are_in_order(get: Get, way: str, sort: str, order: str, filters: dict[str, Any]) -> None:
    found = all_pages(get, "tracks", sort=sort, order=order, **filters)
    wanted = sorted(get("tracks", limit=500, **filters)["items"], key=TRACK_KEYS[sort], reverse=order == "desc")
    assert len(wanted) > 10
    assert [t["id"] for t in found] == [t["id"] for t in wanted]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", ALBUM_KEYS)
@pytest.mark.parametrize("filters", [{}, {"genre_id": 1}, {"year_from": 1994, "year_to": 2005}])
def test_albums_are_in_order(get: Get, way: str, sort: str, order: str, filters: dict[str, Any]) -> None:
    found = all_pages(get, "albums", limit=3, sort=sort, order=order, **filters)
    wanted = sorted(get("albums", limit=500, **filters)["items"], key=ALBUM_KEYS[sort], reverse=order == "desc")
    assert len(wanted) > 3
    assert [b["id"] for b in found] == [b["id"] for b in wanted]


def id_of(get: Get, path: str, name: str) -> int:
    return int(next(row["id"] for row in all_pages(get, path, **({"role": "any"} if path == "artists" else {}))
                    if row["name"] == name))  # fmt: skip


@pytest.mark.parametrize("sort", ["title", "random"])
def test_every_filter_of_tracks(get: Get, way: str, sort: str) -> None:
    tracks = everything(get, "tracks")
    zoe, guest, joan = (id_of(get, "artists", name) for name in ("Zoe", "Guest", "Joan"))
    composed = {t["id"] for t in tracks if (int(t["path"][1:].partition(".")[0])) % 7 == 0}
    cases: list[tuple[dict[str, Any], Callable[[Any], bool]]] = [
        ({"album_id": 2}, lambda t: t["album_id"] == 2),
        ({"artist_id": zoe}, lambda t: any(a["id"] == zoe for a in t["artists"])),
        ({"artist_id": guest, "role": "artist"}, lambda t: any(a["name"] == "Guest" for a in t["artists"])),
        ({"artist_id": guest, "role": "composer"}, lambda t: False),
        ({"artist_id": joan, "role": "composer"}, lambda t: t["id"] in composed),
        ({"artist_id": joan}, lambda t: t["id"] in composed),
        ({"genre_id": id_of(get, "genres", "Soul")}, lambda t: "Soul" in t["genres"]),
        ({"year_from": 2001}, lambda t: t["year"] is not None and t["year"] >= 2001),
        ({"year_to": 2001}, lambda t: t["year"] is not None and t["year"] <= 2001),
        ({"format": "mp3"}, lambda t: t["format"] == "MP3"),
        ({"format": "Opus"}, lambda t: False),
        ({"added_after": 1020}, lambda t: t["added_at"] > 1020),
        ({"format": "FLAC", "year_from": 1995, "genre_id": 1}, lambda t: t["format"] == "FLAC"
         and (t["year"] or 0) >= 1995 and "Rock" in t["genres"]),
        ({"missing": True}, lambda t: False),
    ]  # fmt: skip
    for parameters, fulfils in cases:
        wanted = sorted(t["id"] for t in tracks if fulfils(t))
        assert sorted(t["id"] for t in all_pages(get, "tracks", sort=sort, **parameters)) == wanted, parameters
        assert get("tracks", sort=sort, **parameters)["total"] == len(wanted)
        assert wanted or "missing" in parameters or parameters.get("format") == "Opus" or parameters.get("role")


@pytest.mark.parametrize("sort", ["title", "random"])
def test_every_filter_of_albums(get: Get, way: str, sort: str) -> None:
    albums, tracks = everything(get, "albums"), everything(get, "tracks")
    zoe = id_of(get, "artists", "Zoe")

    def having(fulfils: Callable[[Any], bool]) -> set[int]:
        return {t["album_id"] for t in tracks if fulfils(t)}

    cases: list[tuple[dict[str, Any], Callable[[Any], bool]]] = [
        ({"artist_id": zoe}, lambda b: b["artist"] == "Zoe"),
        ({"genre_id": id_of(get, "genres", "Jazz")}, lambda b: b["id"] in having(lambda t: "Jazz" in t["genres"])),
        ({"year_from": 1995, "year_to": 2001}, lambda b: b["year"] == 2001),
        ({"format": "MP3"}, lambda b: b["id"] in having(lambda t: t["format"] == "MP3")),
        ({"added_after": 1020}, lambda b: b["added_at"] > 1020),
        ({"compilation": True}, lambda b: b["compilation"]),
        ({"compilation": False}, lambda b: not b["compilation"]),
    ]
    for parameters, fulfils in cases:
        wanted = sorted(b["id"] for b in albums if fulfils(b))
        assert wanted, parameters
        assert sorted(b["id"] for b in all_pages(get, "albums", limit=2, sort=sort, **parameters)) == wanted, parameters
        assert get("albums", sort=sort, **parameters)["total"] == len(wanted)


def test_artists_by_role_name_and_number(get: Get, way: str) -> None:
    assert [a["name"] for a in all_pages(get, "artists", limit=2)] == ["abba", "Ådne", "The Bees", "Cy", "Guest", "Zoe"]
    assert [a["name"] for a in all_pages(get, "artists", role="composer")] == ["Joan"]
    assert [a["name"] for a in all_pages(get, "artists", role="album_artist")] == SORTED_ARTISTS
    assert "Joan" in [a["name"] for a in all_pages(get, "artists", role="any", sort="random")]
    by_number = all_pages(get, "artists", limit=2, sort="tracks", order="desc")
    assert [a["tracks"] for a in by_number] == sorted((a["tracks"] for a in by_number), reverse=True)
    assert len(by_number) == 6
    soul = id_of(get, "genres", "Soul")
    names = {a["name"] for t in everything(get, "tracks") if "Soul" in t["genres"] for a in t["artists"]}
    assert {a["name"] for a in all_pages(get, "artists", genre_id=soul, role="artist")} == names


def test_every_filter_of_artists_and_genres(get: Get, way: str) -> None:
    tracks, albums = everything(get, "tracks"), {b["id"]: b for b in everything(get, "albums")}
    soul = id_of(get, "genres", "Soul")
    cases: list[tuple[dict[str, Any], Callable[[Any], bool]]] = [
        ({"year_from": 1995, "year_to": 2001}, lambda t: t["year"] == 2001),
        ({"year_to": 1994}, lambda t: t["year"] == 1994),
        ({"format": "mp3"}, lambda t: t["format"] == "MP3"),
        ({"format": "Opus"}, lambda t: False),
        ({"format": "mp3", "year_from": 2010}, lambda t: t["format"] == "MP3" and t["year"] == 2010),
    ]
    with_genre = [({**p, "genre_id": soul}, lambda t, f=f: f(t) and "Soul" in t["genres"]) for p, f in cases]  # type: ignore[misc]
    for parameters, fulfils in (*cases, *with_genre):
        of = [t for t in tracks if fulfils(t)]
        names: dict[str, set[str]] = {
            "artist": {a["name"] for t in of for a in t["artists"]},
            "album_artist": {albums[t["album_id"]]["artist"] for t in of if t["album_id"]},
            "composer": {"Joan" for t in of if int(t["path"][1:].partition(".")[0]) % 7 == 0},
        }
        names["any"] = names["artist"] | names["composer"]
        for role, wanted in names.items():
            for sort in ("name", "added", "random"):
                found = all_pages(get, "artists", limit=2, role=role, sort=sort, **parameters)
                assert {a["name"] for a in found} == wanted, (role, parameters)
                assert len(found) == get("artists", role=role, sort=sort, **parameters)["total"] == len(wanted)
    for parameters, fulfils in cases:
        wanted = {name for t in tracks if fulfils(t) for name in t["genres"]}
        for sort in ("name", "albums", "random"):
            found = all_pages(get, "genres", limit=1, sort=sort, **parameters)
            assert {g["name"] for g in found} == wanted, parameters
            assert len(found) == get("genres", sort=sort, **parameters)["total"] == len(wanted)


def test_artists_that_were_added_later(get: Get, services: Services, way: str) -> None:
    with services.database.transaction() as db:
        db.execute("UPDATE artists SET added_at = 2000 + id")
    for sort in ("name", "added", "tracks", "random"):
        later = all_pages(get, "artists", limit=2, sort=sort, role="artist", added_after=2003)
        assert {a["id"] for a in later} == {a["id"] for a in everything(get, "artists") if a["added_at"] > 2003}
        assert later


def test_genres_with_their_numbers(get: Get) -> None:
    tracks = everything(get, "tracks")
    genres = all_pages(get, "genres", limit=2)
    assert [g["name"] for g in genres] == ["Jazz", "Rock", "Soul"]
    for genre in genres:
        of_genre = [t for t in tracks if genre["name"] in t["genres"]]
        assert genre["tracks"] == len(of_genre) == get("tracks", genre_id=genre["id"])["total"]
        albums = {t["album_id"] for t in of_genre if t["album_id"]}
        assert genre["albums"] == len(albums) == get("albums", genre_id=genre["id"])["total"]
        assert get(f"genres/{genre['id']}") == genre
    assert [g["tracks"] for g in get("genres", sort="tracks", order="desc")["items"]] == [20, 20, 20]
    get("genres/99", status=404)


@pytest.mark.parametrize("path", ["albums", "artists"])
def test_the_genres_of_albums_and_artists_have_ids(get: Get, path: str) -> None:
    tracks = everything(get, "tracks")
    numbers = set()
    for item in everything(get, path):
        if path == "albums":
            own = [t for t in tracks if t["album_id"] == item["id"]]
        else:
            own = [t for t in tracks if item["id"] in {a["id"] for a in t["artists"]}]
        counts = Counter(name for t in own for name in t["genres"])
        wanted = sorted(counts, key=lambda name: (-counts[name], name))
        found = get(f"{path}/{item['id']}")["track_genres"]
        assert [genre["name"] for genre in found] == wanted
        assert [get(f"genres/{genre['id']}")["name"] for genre in found] == wanted
        numbers.add(len(found))
    assert max(numbers) == 3


@pytest.mark.parametrize("path", ["tracks", "albums", "artists", "genres"])
def test_a_random_order_is_the_same_for_a_seed(get: Get, way: str, path: str) -> None:
    once, again, other = (
        [row["id"] for row in all_pages(get, path, limit=2, sort="random", seed=seed)] for seed in (1, 1, 3)
    )
    assert once == again != other
    assert sorted(once) == sorted(other) == sorted(row["id"] for row in everything(get, path))
    unseeded = [row["id"] for row in all_pages(get, path, limit=2, sort="random")]
    assert sorted(unseeded) == sorted(once)
    assert [row["id"] for row in get(path, sort="random", seed=1, offset=1, limit=2)["items"]] == once[1:3]


def test_the_two_ways_to_a_random_page_agree(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "max_sorted_rows", lambda *_: 1000)
    first_page = get("tracks", sort="random", seed=3, genre_id=1, limit=4)
    monkeypatch.setattr(browse, "max_sorted_rows", lambda *_: 0)
    assert get("tracks", sort="random", seed=3, genre_id=1, limit=4) == first_page


def test_a_cursor_belongs_to_its_sort_and_filters(get: Get) -> None:
    cursor = get("tracks", sort="title", limit=3)["next"]
    for parameters in ({"sort": "year"}, {"sort": "title", "genre_id": 1}, {"sort": "title", "order": "desc"}):
        assert "another sort" in get("tracks", 422, cursor=cursor, **parameters)["detail"][0]["msg"]
    get("albums", 422, cursor=cursor, sort="title")
    for wrong in ("x", "W10", "WyJhIl0", cursor[:-3], cursor + "AAAA", "é", "-" * 3999):
        answer = get("tracks", 422, cursor=wrong, sort="title")
        assert answer["detail"][0]["loc"] == ["query", "cursor"]
    get("tracks", 422, cursor=cursor, sort="title", offset=1)
    assert get("tracks", sort="title", limit=9, cursor=cursor)["total"] is None
    assert get("tracks", sort="title", cursor=cursor, count=True)["total"] == 60
    assert get("tracks", count=False)["total"] is None


@pytest.mark.parametrize(
    ("sort", "key"), [("title", ("a", 1)), ("random", (1, 10, 5, 1)), ("similar", (5, 0.5, 1)), ("added", (1e3, 1))]
)
def test_a_forged_cursor_is_refused(tmp_path: Path, sort: str, key: tuple[Any, ...]) -> None:
    list_tracks = getter(public_app(sounding(tmp_path, 12)[0]))
    more = {"similar_to": 1} if sort == "similar" else {}

    def get(path: str, status: int = 200, **parameters: Any) -> Any:
        return list_tracks(path, status, **parameters, **more)

    genuine = get("tracks", sort=sort, limit=1)["next"]
    digest = json.loads(base64.urlsafe_b64decode(genuine + "=" * (-len(genuine) % 4)))[0]

    def forged(*values: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps([digest, *values]).encode()).decode().rstrip("=")

    get("tracks", sort=sort, cursor=forged(*key))
    for wrong in (
        (2**70, 1), ("\ud800", 1), ([], 1), (1, 40, 5, 1), (1, 10, 2**12, 1), (-1, 10, 5, 1), (None,) * 4,
        (None,) * 3, (1.5, 0.5, 1), ("x", 0.5, 1), (1, "x", 1), (1, 0.5, "x"), (True, 1), (),
    ):  # fmt: skip
        get("tracks", 422, sort=sort, cursor=forged(*wrong))


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        (path, "artist")
        for path in ("tracks", "albums", "artists", "genres", "scan-sessions", "scan-sessions/1/failures")
    ]
    + [
        ("search?q=x&album", "5"),
        ("albums", "role"),
        ("artists", "compilation"),
        ("genres", "role"),
        ("tracks/1/similar", "offset"),
    ],
)
def test_an_unknown_parameter_is_refused_with_its_name(get: Get, path: str, parameter: str) -> None:
    name = "album" if "?" in path else parameter
    answer = get(path.partition("?")[0], 422, **({"q": "x"} if "?" in path else {}), **{name: "5"})
    assert answer["detail"] == [{"type": "extra_forbidden", "loc": ["query", name], "msg": answer["detail"][0]["msg"]}]


@pytest.mark.parametrize(
    "wrong",
    [{"role": "artist"}, {"sort": "similar"}, {"similar_to": 1}, {"seed": 1}, {"sort": "nothing"}, {"year_from": 0},
     {"sort": "similar", "similar_to": 1, "order": "desc"}, {"role": "singer", "artist_id": 1},
     {"sort": "similar", "similar_to": 1, "missing": True}],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused(get: Get, wrong: dict[str, Any]) -> None:
    get("tracks", 422, **wrong)


def shifting(services: Services, get: Get, path: str, parameters: dict[str, Any], seed: int) -> None:
    """Walk a list while tracks come and go; what is there all the time comes once, and in order."""
    chance = random.Random(seed)  # noqa: S311 - the same in each run
    before = [row["id"] for row in all_pages(get, path, **parameters)]
    found: list[int] = []
    cursor: dict[str, str] = {}
    number = 0
    while True:
        page = get(path, limit=4, **parameters, **cursor)
        found += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
        number += 1
        insert(services.database, *(
            file(f"/new/{seed}-{number}-{i}", title=chance.choice(TITLES), artist=chance.choice(ARTISTS),
                 album=f"New {number}", year=chance.choice(YEARS), duration=500.0 + 2 * number + i)
            for i in range(2)))  # fmt: skip
        with services.database.transaction() as db:
            path_gone = f"/{chance.randrange(60)}.flac"
            mark_missing(db, [path_gone])
    rows = services.database.reader().execute("SELECT id, album_id FROM tracks WHERE missing_since IS NULL").fetchall()
    present = {row["id" if path == "tracks" else "album_id"] for row in rows}
    stayed = [i for i in before if i in present]
    assert [i for i in found if i in set(stayed)] == stayed
    assert len(found) == len(set(found))


@pytest.mark.parametrize("sort", ["album", "title", "artist", "year", "added", "random"])
def test_a_walk_through_tracks_that_come_and_go(tmp_path: Path, sort: str) -> None:
    services = made(tmp_path, songs())
    parameters = {"sort": sort, **({"seed": 4} if sort == "random" else {})}
    shifting(services, getter(public_app(services)), "tracks", parameters, 1)


@pytest.mark.parametrize("sort", ["artist", "title", "year", "added", "random"])
def test_a_walk_through_albums_that_come_and_go(tmp_path: Path, sort: str) -> None:
    services = made(tmp_path, songs())
    parameters = {"sort": sort, **({"seed": 4} if sort == "random" else {})}
    shifting(services, getter(public_app(services)), "albums", parameters, 2)


def test_missing_tracks_have_a_list_of_their_own(tmp_path: Path) -> None:
    services = made(tmp_path, songs())
    get = getter(public_app(services))
    with services.database.transaction() as db:
        mark_missing(db, [f"/{n}.flac" for n in range(0, 60, 2)])
    for sort in (*TRACK_KEYS, "random"):
        missing = all_pages(get, "tracks", missing=True, sort=sort)
        assert {t["path"] for t in missing} == {f"/{n}.flac" for n in range(0, 60, 2)}
        if sort != "random":
            assert [t["id"] for t in missing] == [t["id"] for t in sorted(missing, key=TRACK_KEYS[sort])]
    rock = id_of(get, "genres", "Rock")
    assert len(all_pages(get, "tracks", missing=True, genre_id=rock)) == 10
    assert len(all_pages(get, "tracks", genre_id=rock)) == 10 == get("tracks", genre_id=rock)["total"]
    assert get("tracks", missing=True, format="FLAC", year_from=1)["total"] > 0


def test_similar_tracks_page_by_page(tmp_path: Path) -> None:
    services = made(tmp_path, songs())
    get = getter(public_app(services))
    values = np.random.default_rng(1).normal(size=(60, VECTOR_SIZE)).astype("<f4")
    with services.database.transaction() as db:
        for track_id, vector in enumerate(values[:55], start=1):
            vectors.store(db, track_id, FEATURE_VERSION, vector.tobytes(), None)
    nearest = [t["id"] for t in get("tracks/1/similar", limit=54)["items"]]
    assert [t["id"] for t in all_pages(get, "tracks", sort="similar", similar_to=1)] == nearest
    mp3 = {t["id"] for t in everything(get, "tracks") if t["format"] == "MP3"}
    of_format = [t["id"] for t in all_pages(get, "tracks", limit=3, sort="similar", similar_to=1, format="mp3")]
    assert of_format == [i for i in nearest if i in mp3]
    get("tracks", 404, sort="similar", similar_to=60)


SOUNDS = 4  # kinds of sound; each song of one kind has all its own: artist, album and genre


def sounding(folder: Path, number: int = 48) -> tuple[Services, Any]:
    """Return a library of several kinds of sound, and its generator of vectors."""
    files = [
        file(f"/{n}.flac", size=n + 1, duration=n + 1.0, title=f"T{n}", artist=f"Artist {n // 3}", track=n % 6,
             album=f"Album {n // 6}", album_artist=f"Host {n // 12}" if n >= 12 else None, genres=(f"Genre {n // 6}",),
             format=FORMATS[n % 5 == 0])
        for n in range(number)
    ]  # fmt: skip
    services = made(folder, files)
    chance = np.random.default_rng(1)
    centres = chance.normal(size=(SOUNDS, VECTOR_SIZE))

    def store(track_id: int, noise: float = 0.1) -> None:
        sound = centres[(track_id - 1) // 6 % SOUNDS] + noise * chance.normal(size=VECTOR_SIZE)
        data = sound.astype("<f4").tobytes()
        with services.database.transaction() as db:
            vectors.store(db, track_id, FEATURE_VERSION, data, None)
        services.vectors.update(track_id, FEATURE_VERSION, data)

    for track_id in range(1, number + 1):
        store(track_id)
    return services, store


def sound_of(row: Any) -> int:
    """Return the kind of sound of a track, album, artist or genre of `sounding`."""
    name = str(row.get("name") or row["title"])
    owned = {"T": 6, "Artist ": 2, "Album ": 1, "Genre ": 1}[name.rstrip("0123456789")]
    return int(name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz ")) // owned % SOUNDS


@pytest.mark.parametrize(("path", "limit"), [("tracks", 5), ("albums", 2), ("artists", 3), ("genres", 2)])
def test_the_most_similar_come_first_in_every_list(tmp_path: Path, path: str, limit: int) -> None:
    services, _ = sounding(tmp_path)
    get = getter(public_app(services))
    sounding_rows = [row for row in everything(get, path) if not str(row.get("name")).startswith("Host")]
    for reference in sounding_rows[:3]:
        found = all_pages(get, path, limit=limit, sort="similar", similar_to=reference["id"])
        assert sorted(row["id"] for row in found) == sorted({row["id"] for row in sounding_rows} - {reference["id"]})
        alike = sum(sound_of(row) == sound_of(reference) for row in sounding_rows) - 1
        assert {sound_of(row) for row in found[:alike]} == {sound_of(reference)}
        assert sound_of(found[alike]) != sound_of(reference)
    one, other = (row["id"] for row in sounding_rows[:2])
    cursor = get(path, limit=1, sort="similar", similar_to=one)["next"]
    for wrong in ({"similar_to": other}, {"similar_to": one, "order": "desc"}, {"similar_to": one, "format": "FLAC"}):
        get(path, 422, sort="similar", cursor=cursor, **wrong)
    get(path, 404, sort="similar", similar_to=999)


def test_filters_select_among_the_similar_ones(tmp_path: Path) -> None:
    services, _ = sounding(tmp_path)
    get = getter(public_app(services))
    for path, filters in (
        ("tracks", {"format": "mp3"}), ("albums", {"artist_id": id_of(get, "artists", "Host 1")}),
        ("artists", {"format": "mp3"}), ("genres", {"format": "mp3"}),
    ):  # fmt: skip
        every = all_pages(get, path, sort="similar", similar_to=1)
        assert every
        kept = {row["id"] for row in all_pages(get, path, **filters)}
        some = all_pages(get, path, limit=1, sort="similar", similar_to=1, **filters)
        assert [row["id"] for row in some] == [row["id"] for row in every if row["id"] in kept]
        assert some


@pytest.mark.parametrize("path", ["tracks", "albums", "artists", "genres"])
def test_a_walk_through_similar_ones_while_vectors_are_added(tmp_path: Path, path: str) -> None:
    services, store = sounding(tmp_path)
    get = getter(public_app(services))
    parameters = {"sort": "similar", "similar_to": 1}
    before = [row["id"] for row in all_pages(get, path, **parameters)]
    found: list[int] = []
    cursor: dict[str, str] = {}
    gone: set[str] = set()
    while True:
        page = get(path, limit=3, **parameters, **cursor)
        found += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
        for track_id in range(2, 49, 3):
            store(track_id, noise=3.0)  # each has another place now
        services.vectors.mark_outdated()
        with services.database.transaction() as db:
            gone.add(f"/{len(gone) + 20}.flac")
            mark_missing(db, gone)
    there = {row["id"] for row in everything(get, path)}
    assert [i for i in found if i in there] == [i for i in before if i in there]
    assert len(found) == len(set(found))
    fresh = [row["id"] for row in all_pages(get, path, **parameters)]
    assert fresh != [i for i in before if i in there], "the vectors have changed nothing"


def test_a_ranking_that_was_forgotten_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services, _ = sounding(tmp_path)
    get = getter(public_app(services))
    monkeypatch.setattr(rankings, "MAX_KEPT", 1)
    whole = [row["id"] for row in all_pages(get, "albums", limit=500, sort="similar", similar_to=1)]
    first_page = get("albums", limit=3, sort="similar", similar_to=1)
    get("albums", sort="similar", similar_to=2)
    rest = get("albums", limit=500, sort="similar", similar_to=1, cursor=first_page["next"])
    assert [row["id"] for row in first_page["items"] + rest["items"]] == whole


@pytest.mark.parametrize("path", ["tracks", "albums", "artists", "genres"])
def test_an_empty_library_has_empty_lists(tmp_path: Path, path: str) -> None:
    get = getter(public_app(made(tmp_path, [])))
    sorts = {"tracks": [*TRACK_KEYS], "albums": [*ALBUM_KEYS], "artists": ["name", "added", "tracks"],
             "genres": ["name", "tracks", "albums"]}[path]  # fmt: skip
    filters = {"year_from": 1, "year_to": 2, "format": "FLAC"}
    for sort in (*sorts, "random"):
        for parameters in ({}, filters, {"order": "desc", "offset": 5}):
            assert get(path, sort=sort, **parameters) == {"items": [], "total": 0, "next": None}
    get(path, 404, sort="similar", similar_to=1)


def test_sort_tags_and_musicbrainz_decide_on_the_order(tmp_path: Path) -> None:
    services = made(tmp_path, [
        file("/1", artist="David Bowie", artist_sort="Bowie, David", title="Zed", title_sort="A", album="X"),
        file("/2", artist="Charlie", title="B", album="The Y", album_sort="A Y"),
        file("/3", artist="Dr. Who", mb_artist=ID_A, title="C", album="A Z"),
        file("/4", artist=["Eve", "Alf"], artists=["Eve", "Alf"], artists_sort=["Zeta, Eve", "Alf"], title="D"),
    ])  # fmt: skip
    get = getter(public_app(services))
    names = [a["name"] for a in everything(get, "artists")]
    assert names == ["Alf", "David Bowie", "Charlie", "Dr. Who", "Eve"]
    assert [t["title"] for t in get("tracks", sort="title")["items"]] == ["Zed", "B", "C", "D"]
    assert [b["title"] for b in get("albums", sort="title")["items"]] == ["The Y", "X", "A Z"]
    insert(services.database, file("/1", artist="David Bowie", title="Zed", album="X", size=2))
    names = [a["name"] for a in everything(get, "artists")]
    assert names == ["Alf", "Charlie", "David Bowie", "Dr. Who", "Eve"]  # the tag is gone


def test_one_track_with_all_that_its_file_says(tmp_path: Path) -> None:
    said = file(
        "/1", title="S", artist="A", composer="C", performer="P (piano)", comment="hi", lyrics="la", isrc=["I1", "I2"],
        replaygain_track_gain="-6.50 dB", r128_track_gain="-512", rating="80", play_count="3", bpm="120.5", key="Am",
        compilation="1", replaygain_track_peak="nothing",
    )  # fmt: skip
    said["sound"].update({"codec": "FLAC", "bit_rate": 900_000, "sample_rate": 44100, "channels": 2, "bit_depth": 16})
    get = getter(public_app(made(tmp_path, [said])))
    track = get("tracks/1")
    assert [(a["name"], a["role"], a["detail"]) for a in track["artists"]] == [
        ("A", "artist", None), ("C", "composer", None), ("P", "performer", "piano")
    ]  # fmt: skip
    tags = track["tags"]
    assert (tags["comment"], tags["lyrics"], tags["isrc"], tags["key"]) == ("hi", "la", ["I1", "I2"], "Am")
    assert (tags["replaygain_track_gain"], tags["r128_track_gain"], tags["bpm"]) == (-6.5, -2.0, 120.5)
    assert (tags["rating"], tags["play_count"], tags["compilation"]) == (80, 3, True)
    assert "replaygain_track_peak" not in tags
    assert track["sound"]["sample_rate"] == 44100
    assert [a["role"] for a in get("tracks")["items"][0]["artists"]] == ["artist"]
    get("tracks/2", 404)


def test_lyrics_with_times_come_before_plain_ones(tmp_path: Path) -> None:
    timed = ["[offset:500]\n[00:02.00]Two\n[00:00.20][00:04.25]Again", "[00:01.00]Another"]
    files = [
        file("/1", title="A", lyrics="Plain", synced_lyrics=timed), file("/2", title="B", lyrics=" One \n\nTwo"),
        file("/3", title="C", lyrics=["First", "Second"], synced_lyrics="no times"), file("/4", title="D"),
    ]  # fmt: skip
    get = getter(public_app(made(tmp_path, files)))
    found = [get(f"tracks/{track_id}/lyrics") for track_id in (1, 2, 3, 4)]
    assert [(one["is_timed"], [(line["start_seconds"], line["text"]) for line in one["lines"]]) for one in found] == [
        (True, [(0, "Again"), (1.5, "Two"), (3.75, "Again")]),
        (False, [(None, "One"), (None, ""), (None, "Two")]),
        (False, [(None, "First")]),
        (False, []),
    ]
    get("tracks/5/lyrics", 404)


def test_one_album_and_one_artist(tmp_path: Path) -> None:
    album = {"album": "Box", "album_artist": "Ann & Bob", "album_artists": ["Ann", "Bob"], "release_country": "DE",
             "label": ["L1", "L2"], "catalog_number": "C1", "barcode": "123", "release_type": ["album", "live"],
             "replaygain_album_gain": "-7.1 dB", "date": "2010-05-06", "original_date": "1994"}  # fmt: skip
    files = [
        file("/1", artist="Ann", disc=2, track=1, disc_subtitle="Late", genres=("Jazz",), duration=2.5, **album),
        file("/2", artist="Ann", disc=1, track=2, genres=("Rock",), **album),
        file("/3", artist="Bob feat. Guest", disc=1, track=1, genres=("Rock",), format="MP3", **album),
        file("/4", artist="Guest", album="Own", title="Own"),
    ]
    services = made(tmp_path, files)
    get = getter(public_app(services))
    found = get("albums/1")
    assert [(a["name"], a["role"]) for a in found["artists"]] == [("Ann", "album_artist"), ("Bob", "album_artist")]
    assert [(d["disc_no"], d["subtitle"], [t["path"] for t in d["tracks"]]) for d in found["discs"]] == [
        (1, None, ["/3", "/2"]), (2, "Late", ["/1"])
    ]  # fmt: skip
    assert (found["date"], found["original_date"], found["duration"]) == ("2010-05-06", "1994", 4.5)
    assert (found["genres"], found["formats"]) == (["Rock", "Jazz"], ["FLAC", "MP3"])
    assert (found["release_types"], found["release_country"]) == (["album", "live"], "DE")
    assert (found["labels"], found["catalog_numbers"], found["barcode"]) == (["L1", "L2"], ["C1"], "123")
    assert found["replaygain_album_gain"] == -7.1
    guest = get(f"artists/{id_of(get, 'artists', 'Guest')}")
    assert ([b["title"] for b in guest["own_albums"]], [b["title"] for b in guest["appears_on"]]) == (["Own"], ["Box"])
    assert (guest["names"], guest["roles"], guest["tracks"]) == (["Guest"], [{"role": "artist", "tracks": 2}], 2)
    with services.database.transaction() as db:
        mark_missing(db, ["/4"])
    get("albums/2", 404)
    assert [b["title"] for b in get(f"artists/{guest['id']}")["own_albums"]] == []
    get("artists/99", 404)


def test_an_artist_has_a_picture_where_there_is_one_to_fetch(tmp_path: Path) -> None:
    services = made(tmp_path, [file(f"/{name}", artist=name, album=name) for name in ("Own", "Cover", "Gone", "None")])
    get = getter(public_app(services))
    with services.database.transaction() as db:
        db.execute(
            "INSERT INTO artist_pictures (artist_id, sha256, media_type) "
            "SELECT id, iif(name = 'Own', ?, NULL), 'image/png' FROM artists WHERE name IN ('Own', 'None')",
            ("a" * 64,),
        )
        db.execute(
            "UPDATE albums SET cover_sha256 = ?, cover_media_type = 'image/png' WHERE title IN ('Cover', 'Gone')",
            ("b" * 64,),
        )
        mark_missing(db, ["/Gone"])
        artists = queries.artists_by_id(db, range(1, 5))
        assert {row["name"]: bool(row["has_picture"]) for row in artists} == {
            row["name"]: covers.find_cover(db, "artist", row["id"]) is not None for row in artists
        }
    listed = {row["name"]: row["has_picture"] for row in get("artists")["items"]}
    assert listed == {"Own": True, "Cover": True, "None": False}
    assert get(f"artists/{id_of(get, 'artists', 'Own')}")["has_picture"] is True


def test_the_names_of_an_artist_are_those_in_files_that_are_there(tmp_path: Path) -> None:
    services = made(tmp_path, [
        file("/1", artist="Dée", album="X", album_artist="Dée"), file("/2", artist="Dee"), file("/3", artist="DEE"),
        file("/4", artist="DEE", album="Y", album_artist="dee"),
    ])  # fmt: skip
    get = getter(public_app(services))
    [artist] = get("artists")["items"]
    assert get(f"artists/{artist['id']}")["names"] == ["DEE", "Dee", "Dée", "dee"]
    with services.database.transaction() as db:
        mark_missing(db, ["/1", "/4"])
    assert get(f"artists/{artist['id']}")["names"] == ["DEE", "Dee"]


def test_tracks_of_one_number_stand_in_an_album_as_their_files_do(tmp_path: Path) -> None:
    services = made(tmp_path, [file(f"/{name}", artist="A", album="X") for name in "cab"])
    insert(services.database, file("/aa", artist="A", album="X"))
    get = getter(public_app(services))
    assert [[t["path"] for t in disc["tracks"]] for disc in get("albums/1")["discs"]] == [["/a", "/aa", "/b", "/c"]]
