"""All that clients see of a catalogue over HTTP, without what differs between two libraries of the same files."""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import httpx

from soniquebay.library.catalogue.sort_keys import sort_key
from tests.support.stack import Stack, wait_until

Row = dict[str, Any]
TrackKey = tuple[str, int]
Catalogue = dict[Any, Any]

_IDS_AND_TIMES = {"id", "artist_id", "album_id", "added_at", "missing_since"}
_LISTS = {
    "tracks": {"title": "title", "year": "year"},
    "albums": {"title": "title", "year": "year"},
    "artists": {"name": "name", "tracks": "tracks"},
    "genres": {"name": "name", "tracks": "tracks", "albums": "albums"},
}
_WORDS = 60


class Seen:
    """The catalogue of one stack, read once."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        wait_until(lambda: _is_analysed(stack), 600)
        with httpx.Client(base_url=stack.url, timeout=60) as self._client:
            self._tracks = {row["id"]: self._get(f"/api/tracks/{row['id']}") for row in self._pages("/api/tracks")}
            self._albums = {row["id"]: self._get(f"/api/albums/{row['id']}") for row in self._pages("/api/albums")}
            self._artists = {
                row["id"]: self._get(f"/api/artists/{row['id']}") for row in self._pages("/api/artists", role="any")
            }
            self._keys = {track_id: (row["path"], row["part"]) for track_id, row in self._tracks.items()}
            self._artist_keys = self._keys_of_artists()
            self._album_keys = {
                album_id: (row["title"], min(self._keys[t["id"]] for disc in row["discs"] for t in disc["tracks"]))
                for album_id, row in self._albums.items()
            }
            self.catalogue: Catalogue = dict(self._all())

    def _get(self, path: str, **params: Any) -> Any:
        response = self._client.get(path, params=params)
        assert response.status_code == 200, (path, params, response.text)
        return response.json()

    def _pages(self, path: str, **params: Any) -> Iterator[Row]:
        cursor: dict[str, str] = {}
        while True:
            page = self._get(path, limit=500, **params, **cursor)
            yield from page["items"]
            if not page["next"]:
                return
            cursor = {"cursor": page["next"]}

    def _cover(self, kind: str, item_id: int, **params: Any) -> str | None:
        response = self._client.get(f"/api/covers/{kind}/{item_id}", params=params)
        return response.headers["etag"] if response.status_code == 200 else None

    def _keys_of_artists(self) -> dict[int, tuple[str, str, TrackKey]]:
        """Return what names an artist: two may have the same name, and then other tracks."""
        tracks: dict[int, list[TrackKey]] = defaultdict(list)
        for track_id, row in self._tracks.items():
            owners = self._albums[row["album_id"]]["artists"] if row["album_id"] else []
            for artist_id in {credit["id"] for credit in (*row["artists"], *owners)}:
                tracks[artist_id].append(self._keys[track_id])
        return {
            artist_id: (row["name"], row["mbid"] or "", min(tracks.get(artist_id, [("", 0)])))
            for artist_id, row in self._artists.items()
        }

    def _credits(self, credits: list[Row]) -> list[Any]:
        return [(c["name"], c["role"], c["detail"], self._artist_keys.get(c["id"])) for c in credits]

    def _all(self) -> Iterator[tuple[Any, Any]]:
        for track_id, row in self._tracks.items():
            yield (
                ("track", self._keys[track_id]),
                {
                    **_without_ids(row),
                    "artists": self._credits(row["artists"]),
                    "artist_key": self._artist_keys.get(row["artist_id"]),
                    "album_key": self._album_keys.get(row["album_id"]),
                    "genres": row["genres"],
                    "cover": self._cover("track", track_id),
                },
            )
        for album_id, row in self._albums.items():
            discs = [
                (disc["disc_no"], disc["subtitle"], [self._keys[t["id"]] for t in disc["tracks"]])
                for disc in row["discs"]
            ]
            yield (
                ("album", self._album_keys[album_id]),
                {
                    **_without_ids(row),
                    "artists": self._credits(row["artists"]),
                    "artist_key": self._artist_keys.get(row["artist_id"]),
                    "discs": discs,
                    "cover": [
                        self._cover("album", album_id),
                        *(self._cover("album", album_id, disc=n) for n in (1, 2)),
                    ],
                },
            )
        for artist_id, row in self._artists.items():
            yield (
                ("artist", self._artist_keys[artist_id]),
                {
                    **_without_ids(row),
                    "own_albums": sorted(self._album_keys[album["id"]] for album in row["own_albums"]),
                    "appears_on": sorted(self._album_keys[album["id"]] for album in row["appears_on"]),
                    "cover": self._cover("artist", artist_id),
                },
            )
        for row in self._pages("/api/genres"):
            yield ("genre", row["name"]), _without_ids(row)
        for kind, sorts in _LISTS.items():
            for sort, field in sorts.items():
                values = [row[field] for row in self._pages(f"/api/{kind}", sort=sort)]
                # Of titles that sort alike, the ids decide.
                yield ("list", kind, sort), [sort_key(value) if sort == "title" else value for value in values]
        [newest] = self._get("/api/scan-sessions", limit=1)["items"]
        session = self._get(f"/api/scan-sessions/{newest['id']}")
        yield "left out", session["left_out"]
        yield "library", {name: count for name, count in session["library"].items() if name != "missing"}
        yield from self._searches()

    def _searches(self) -> Iterator[tuple[Any, Any]]:
        names = [row["title"] for row in (*self._tracks.values(), *self._albums.values())]
        names += [row["name"] for row in self._artists.values()]
        words = sorted({word for name in names for word in name.split() if word.isprintable()})
        for word in random.Random(1).sample(words, min(_WORDS, len(words))):  # noqa: S311
            for kind, keys in (("track", self._keys), ("album", self._album_keys), ("artist", self._artist_keys)):
                found = self._get("/api/search", q=word, type=kind, limit=500)
                hits = [keys[item["id"]] for item in found["items"]]
                # Only some of many are read, and which ones depends on the ids.
                yield ("search", kind, word), (found["total"], sorted(hits) if found["total"] < 100 else None)


def _without_ids(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in _IDS_AND_TIMES}


def _is_analysed(stack: Stack) -> bool:
    """Tell whether every track is analysed and every picture found."""
    [newest] = stack.get("/api/scan-sessions", limit=1)["items"]
    progress = stack.get(f"/api/scan-sessions/{newest['id']}")["progress"]
    return not progress["library_vectors_waiting"] and stack.pictures_are_found()


def differences(found: Catalogue, wanted: Catalogue) -> list[str]:
    """Return a line for each difference of two catalogues."""
    lines = []
    for key in sorted(found.keys() | wanted.keys(), key=repr):
        if key not in found:
            lines.append(f"{key}: missing")
        elif key not in wanted:
            lines.append(f"{key}: should not be there: {found[key]}")
        elif found[key] != wanted[key]:
            if isinstance(found[key], dict):
                fields = [name for name in wanted[key] if found[key].get(name) != wanted[key][name]]
                lines += [f"{key}: {name} is {found[key].get(name)!r}, not {wanted[key][name]!r}" for name in fields]
            else:
                lines.append(f"{key}: is {found[key]!r}, not {wanted[key]!r}")
    return lines
