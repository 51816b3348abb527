"""Browse the library: lists of tracks, albums, artists and genres, and one of each."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.exceptions import RequestValidationError

from soniquebay.api.access import REFUSALS
from soniquebay.api.models.albums import AlbumPage, FullAlbum
from soniquebay.api.models.artists import ArtistPage, FullArtist
from soniquebay.api.models.fields import Id
from soniquebay.api.models.genres import Genre, GenrePage
from soniquebay.api.models.list_queries import AlbumQuery, ArtistQuery, GenreQuery, ListQuery, TrackQuery
from soniquebay.api.models.problems import Problem
from soniquebay.api.models.tracks import FullTrack, Lyrics, TrackPage
from soniquebay.api.services import Services, Shared
from soniquebay.library import queries
from soniquebay.library.browsing import browse, details, lists, lyrics
from soniquebay.library.browsing.cursors import CursorError
from soniquebay.library.queries import Row
from soniquebay.library.similarity.index import Kind
from soniquebay.library.similarity.rankings import Ranking

router = APIRouter(prefix="/api", tags=["library"], responses=REFUSALS)

_NO_FILTERS = {*ListQuery.model_fields, "sort", "tag"}


def _not_found(kind: str) -> dict[int | str, dict[str, Any]]:
    return {404: {"model": Problem, "description": f"no such {kind}"}}


_NOTHING_SIMILAR: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "`similar_to` does not exist, or has no vector"}
}


@router.get("/tracks", response_model=TrackPage, responses=_NOTHING_SIMILAR)
def list_tracks(services: Shared, query: Annotated[TrackQuery, Query()]) -> Any:
    """List tracks.

    `next` of an answer is the `cursor` for the next page. Tracks that are added or vanish meanwhile neither repeat nor
    hide others.
    """
    return _page(
        services,
        query,
        "track",
        lists.tracks(services.database.reader(), **_filters(query), track_ids=_tagged(services, query.tag)),
        queries.tracks_by_id,
    )


@router.get("/tracks/{track_id}", response_model=FullTrack, responses=_not_found("track"))
def get_track(services: Shared, track_id: Id) -> Any:
    """Return one track with everything that its file says, and what is guessed of its sound."""
    row = _one(services, details.full_track, "track", track_id)
    return {
        **row,
        "sound_tags": services.sound_tags.of_track(track_id),
        "guessed_genre": None if row["genres"] else services.sound_tags.genre(track_id),
    }


@router.get("/tracks/{track_id}/lyrics", response_model=Lyrics, responses=_not_found("track"))
def get_lyrics(services: Shared, track_id: Id) -> Any:
    """Return the lyrics of a track, of its tags or of a file beside it."""
    return _one(services, lyrics.read, "track", track_id)


@router.get("/albums", response_model=AlbumPage, responses=_NOTHING_SIMILAR)
def list_albums(services: Shared, query: Annotated[AlbumQuery, Query()]) -> Any:
    """List albums. An album has a genre or a format if one of its tracks has it."""
    return _page(
        services,
        query,
        "album",
        lists.albums(services.database.reader(), **_filters(query), track_ids=_tagged(services, query.tag)),
        queries.albums_by_id,
    )


@router.get("/albums/{album_id}", response_model=FullAlbum, responses=_not_found("album"))
def get_album(services: Shared, album_id: Id) -> Any:
    """Return one album with its discs and their tracks. 404 also while all its files are missing."""
    return _one(services, details.full_album, "album", album_id)


@router.get("/artists", response_model=ArtistPage, responses=_NOTHING_SIMILAR)
def list_artists(services: Shared, query: Annotated[ArtistQuery, Query()]) -> Any:
    """List artists. By name they sort as people look for them: "The Beatles" under B, "Édith Piaf" under E."""
    return _page(
        services, query, "artist", lists.artists(services.database.reader(), **_filters(query)), queries.artists_by_id
    )


@router.get("/artists/{artist_id}", response_model=FullArtist, responses=_not_found("artist"))
def get_artist(services: Shared, artist_id: Id) -> Any:
    """Return one artist with roles and albums. 404 also while all files are missing."""
    return _one(services, details.full_artist, "artist", artist_id)


@router.get("/genres", response_model=GenrePage, responses=_NOTHING_SIMILAR)
def list_genres(services: Shared, query: Annotated[GenreQuery, Query()]) -> Any:
    """List genres."""
    return _page(
        services, query, "genre", lists.genres(services.database.reader(), **_filters(query)), details.genres_by_id
    )


@router.get("/genres/{genre_id}", response_model=Genre, responses=_not_found("genre"))
def get_genre(services: Shared, genre_id: Id) -> Any:
    """Return one genre. Its tracks and albums are those of the lists with `genre_id`."""
    return _one(services, details.genre, "genre", genre_id)


def _one(services: Services, read: Callable[[sqlite3.Connection, int], Row | None], kind: str, item_id: int) -> Row:
    row = read(services.database.reader(), item_id)
    if row is None:
        raise HTTPException(404, f"no {kind} {item_id}")
    return row


def _filters(query: ListQuery) -> dict[str, Any]:
    return query.model_dump(exclude=_NO_FILTERS)


def _tagged(services: Services, tags: Sequence[str]) -> list[int] | None:
    return [track_id for track_id, _ in services.sound_tags.tracks(tags)] if tags else None


def _page(
    services: Services,
    query: TrackQuery | AlbumQuery | ArtistQuery | GenreQuery,
    kind: Kind,
    listed: lists.List,
    rows: Callable[[sqlite3.Connection, Sequence[int]], list[Row]],
) -> queries.Page:
    db = services.database.reader()
    # A cursor goes on with the same rows in the same order, in pages of any length.
    list_identity = [listed.source, query.model_dump(exclude={"limit", "offset", "cursor", "count"})]
    is_counted = query.cursor is None if query.count is None else query.count
    count = services.counts.count if is_counted else None
    request = browse.Request(list_identity, query.limit, query.offset, query.cursor, query.order == "desc", count)
    try:
        if query.sort == "similar":
            found = _similar_page(services, kind, listed, query.similar_to or 0, request)
        elif isinstance(query, TrackQuery) and query.sort == "tag":
            found = _tag_page(services, query.tag, listed, request)
        elif query.sort == "random":
            found = browse.shuffled_page(db, listed, query.seed, request)
        else:
            found = browse.page(db, listed, query.sort, request)
    except CursorError as error:
        problem = {"type": "cursor", "loc": ("query", "cursor"), "msg": str(error)}
        raise RequestValidationError([problem]) from error
    return queries.Page(rows(db, found.ids), found.total, found.next)


def _similar_page(
    services: Services, kind: Kind, listed: lists.List, similar_to: int, request: browse.Request
) -> browse.IdPage:
    db = services.database.reader()
    there = db.execute(f"SELECT 1 FROM {listed.source} WHERE {listed.id} = ? AND {listed.present}", (similar_to,))
    found = None
    if there.fetchone():
        found = browse.ranked_page(db, listed, partial(services.rankings.ranking, db, kind, similar_to), request)
    if found is None:
        raise HTTPException(404, f"no {kind} {similar_to}, or it has no vector")
    return found


def _tag_page(services: Services, tags: Sequence[str], listed: lists.List, request: browse.Request) -> browse.IdPage:
    db = services.database.reader()
    ranking = Ranking.of_scores(services.sound_tags.tracks(tags))
    found = browse.ranked_page(db, listed, lambda _: ranking, request)
    assert found is not None  # noqa: S101 - for the type checker
    return replace(found, total=request.count(db, listed) if request.count else None)
