"""Which files of one album title are one album, whose it is, and what it says of itself."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from soniquebay.library.catalogue.credits import Credit, KnownIds, Name, resolve
from soniquebay.library.catalogue.interpret import TrackTags
from soniquebay.library.catalogue.names import (
    UNKNOWN_ARTIST,
    VARIOUS_ARTISTS,
    VARIOUS_ARTISTS_MBID,
    is_various_artists,
    normalised_name,
)

T = TypeVar("T", bound=Hashable)

_SAME_ALBUM_SHARE = 0.5  # of the tracks that two folders have under the same numbers, with the same titles
VARIOUS = (Name(VARIOUS_ARTISTS, VARIOUS_ARTISTS_MBID),)


class Track(NamedTuple):
    """A track with an album: its id, and the interpreted tags of its file."""

    id: int
    tags: TrackTags


@dataclass(slots=True)
class Album:
    """An album as its files describe it."""

    tracks: list[Track]
    title: str
    artists: tuple[Name, ...]
    credit: str  # the album's artists as people see them
    mbid: str | None
    release_group_mbid: str | None
    date: str | None
    original_date: str | None
    compilation: bool
    sort_title: str  # as tagged; empty without a tag


def group(tracks: Iterable[Track], known_ids: KnownIds) -> list[Album]:
    """Group tracks into albums. The result depends neither on the order of the tracks nor on their ids.

    `tracks`: all that have one normalised album title. Titles that share a release id have to come together.

    Buckets that share a release id are grouped together.

    The rules, in this order (docs/tags.md explains them with examples):

    1. Files with one MusicBrainz release id are one album.
    2. Of the others, the files of one folder are one album for each album artist. Folders of discs count as the folder
       above them. Files that name no album artist belong to the only album of their folder, or to that of their artist.
    3. Such albums of several folders are one if their artist is the same, and nothing tells them apart: see
       `_are_one_album`.
    4. An album without a release id is the same as one with an id, if only one of them fits.
    """
    by_id: dict[str, list[Track]] = defaultdict(list)
    by_folder: dict[tuple[str | None, str], list[Track]] = defaultdict(list)
    for track in tracks:
        if track.tags.album_mbid:
            by_id[track.tags.album_mbid].append(track)
        else:
            by_folder[track.tags.normalised_album, track.tags.folder].append(track)
    with_id = [_Group(found, known_ids) for found in by_id.values()]
    without_id = _merge(
        [part for found in by_folder.values() for part in _albums_of_folder(found, known_ids)], known_ids
    )
    others: list[_Group] = []
    for candidate in without_id:
        hosts = [host for host in with_id if _is_part_of(candidate, host)]
        if len(hosts) == 1:
            hosts[0].guests += candidate.tracks
        else:
            others.append(candidate)
    return [_album(found, known_ids) for found in (*with_id, *others)]


class _Group:
    """Tracks that are one album so far."""

    def __init__(self, tracks: list[Track], known_ids: KnownIds) -> None:
        self.tracks = tracks
        self.guests: list[Track] = []  # tracks without a release id that join an album with one
        self.artists, self.credit = _album_artists(tracks, known_ids)
        self.artist_names = frozenset(normalised_name(name.name) for name in self.artists)
        self.album_titles = {track.tags.normalised_album for track in tracks}
        self.folders = {track.tags.folder for track in tracks}
        self.years = {track.tags.date[:4] for track in tracks if track.tags.date}
        self.editions = {track.tags.edition for track in tracks if track.tags.edition}

    @cached_property
    def titles(self) -> dict[tuple[int | None, int], set[str]]:
        """The normalised titles by disc and track number; few albums are ever compared by them."""
        titles: dict[tuple[int | None, int], set[str]] = defaultdict(set)
        for track in self.tracks:
            if track.tags.track_no:
                titles[track.tags.disc_no, track.tags.track_no].add(normalised_name(track.tags.title))
        return titles


def _albums_of_folder(tracks: list[Track], known_ids: KnownIds) -> list[_Group]:
    """Return the albums of one title in one folder."""
    by_artist: dict[str, list[Track]] = defaultdict(list)
    without_artist: list[Track] = []
    for track in tracks:
        if track.tags.album_artist:
            by_artist[_album_artist_key(track.tags.album_artist, known_ids)].append(track)
        else:
            without_artist.append(track)
    if without_artist and len(by_artist) == 1:
        next(iter(by_artist.values())).extend(without_artist)
    elif without_artist and by_artist:
        rest: list[Track] = []
        for track in without_artist:
            by_artist.get(_first_artist(track, known_ids), rest).append(track)
        without_artist = rest
    groups = [_Group(found, known_ids) for found in by_artist.values()]
    if without_artist and len(by_artist) != 1:
        groups += _albums_without_artist(without_artist, known_ids)
    return groups


def _album_artist_key(credit: Credit, known_ids: KnownIds) -> str:
    if is_various_artists(credit.text):
        return VARIOUS_ARTISTS
    return normalised_name(resolve(credit, known_ids)[0].name)


def _first_artist(track: Track, known_ids: KnownIds) -> str:
    return normalised_name(resolve(track.tags.artist, known_ids)[0].name) if track.tags.artist else ""


def _albums_without_artist(tracks: list[Track], known_ids: KnownIds) -> list[_Group]:
    """Return the albums of the tracks of a folder that name no album artist.

    They are one album, unless several artists have the same track number: then each artist has an album of that title.
    """
    if _common_artist(tracks, known_ids) or any(track.tags.compilation for track in tracks):
        return [_Group(tracks, known_ids)]
    numbers = [(track.tags.disc_no, track.tags.track_no) for track in tracks]
    if all(number for _, number in numbers) and len(set(numbers)) == len(numbers):
        return [_Group(tracks, known_ids)]
    by_artist: dict[str, list[Track]] = defaultdict(list)
    for track in tracks:
        by_artist[_first_artist(track, known_ids)].append(track)
    return [_Group(found, known_ids) for found in by_artist.values()]


def _merge(groups: list[_Group], known_ids: KnownIds) -> list[_Group]:
    """Put together the groups that are one album, whatever their order."""
    parent = list(range(len(groups)))

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    by_artists: dict[Hashable, list[int]] = defaultdict(list)
    for index, found in enumerate(groups):
        by_artists[frozenset(found.album_titles), found.artist_names].append(index)
    for indexes in by_artists.values():
        for position, first in enumerate(indexes):
            for second in indexes[position + 1 :]:
                if root(first) != root(second) and _are_one_album(groups[first], groups[second]):
                    parent[root(second)] = root(first)
    merged: dict[int, list[Track]] = defaultdict(list)
    for index, found in enumerate(groups):
        merged[root(index)] += found.tracks
    return [
        groups[index] if len(tracks) == len(groups[index].tracks) else _Group(tracks, known_ids)
        for index, tracks in merged.items()
    ]


def _are_one_album(first: _Group, second: _Group) -> bool:
    """Tell whether two groups of one title and artist in different folders are one album.

    They are two if they state different editions. Where they have the same track numbers, the titles decide: the same
    album in another format has the same titles. Without such numbers they are parts of one album, unless the years
    differ.
    """
    if first.editions and second.editions and not first.editions & second.editions:
        return False
    shared = first.titles.keys() & second.titles.keys()
    if shared:
        equal = sum(bool(first.titles[number] & second.titles[number]) for number in shared)
        return equal >= _SAME_ALBUM_SHARE * len(shared)
    return not first.years or not second.years or bool(first.years & second.years)


def _is_part_of(candidate: _Group, host: _Group) -> bool:
    """Tell whether files without a release id belong to an album that has one."""
    if not candidate.album_titles & host.album_titles:
        return False
    if candidate.artist_names != host.artist_names and not candidate.folders & host.folders:
        return False
    return bool(candidate.folders & host.folders) or _are_one_album(candidate, host)


def _album(group: _Group, known_ids: KnownIds) -> Album:
    tracks = [*group.tracks, *group.guests]
    artists, credit = _album_artists(tracks, known_ids) if group.guests else (group.artists, group.credit)
    track_tags = [track.tags for track in tracks]
    return Album(
        tracks=tracks,
        title=_most_frequent(f.album or "" for f in track_tags),
        artists=artists,
        credit=credit,
        mbid=next((f.album_mbid for f in track_tags if f.album_mbid), None),
        release_group_mbid=_most_frequent((f.release_group_mbid for f in track_tags if f.release_group_mbid), None),
        date=_most_frequent((f.date for f in track_tags if f.date), None),
        original_date=_most_frequent((f.original_date for f in track_tags if f.original_date), None),
        compilation=artists == VARIOUS or any(f.compilation for f in track_tags),
        sort_title=_most_frequent(f.album_sort for f in track_tags if f.album_sort),
    )


def _most_frequent(values: Iterable[T], default: Any = "") -> Any:
    """Return the most frequent value; of equally frequent ones the largest: the latest date, the accented spelling."""
    listed = list(values)
    if len(set(listed)) == 1:
        return listed[0]
    counts = Counter(listed)
    return max(counts, key=lambda value: (counts[value], value)) if counts else default


def _album_artists(tracks: Sequence[Track], known_ids: KnownIds) -> tuple[tuple[Name, ...], str]:
    """Return the artists of an album, and its credit.

    They are those that most files name as the album's. Otherwise they are those of every track, or the one artist whom
    every track names. Without one it is Various Artists.
    """
    named: Counter[Credit] = Counter(track.tags.album_artist for track in tracks if track.tags.album_artist)
    if named:
        credit = max(named, key=lambda found: (named[found], _ids(found), found))
        if is_various_artists(credit.text):
            return VARIOUS, VARIOUS_ARTISTS
        return tuple(resolve(credit, known_ids)), credit.text
    credits = {track.tags.artist for track in tracks if track.tags.artist}
    if not credits:
        return (Name(UNKNOWN_ARTIST, ""),), UNKNOWN_ARTIST
    if any(track.tags.compilation for track in tracks):
        return VARIOUS, VARIOUS_ARTISTS
    if len({normalised_name(credit.text) for credit in credits}) == 1:
        credit = max(credits, key=lambda found: (_ids(found), found))
        names = resolve(credit, known_ids)
        return tuple(names), credit.text
    common = _common_artist(tracks, known_ids)
    return ((common,), common.name) if common else (VARIOUS, VARIOUS_ARTISTS)


def _ids(credit: Credit) -> int:
    return sum(bool(part.mbid) for part in credit.parts)


def _common_artist(tracks: Sequence[Track], known_ids: KnownIds) -> Name | None:
    """Return the artist whom every track names, alone or with others; None if there is no such artist."""
    candidates: dict[str, Name] | None = None
    for track in tracks:
        if track.tags.artist is None:
            continue
        names = _possible_names(track.tags.artist, known_ids)
        if candidates is None:
            candidates = names
        else:
            shared = candidates.keys() & names.keys()
            # An id, and a spelling, from whichever file has it.
            candidates = {
                key: max(candidates[key], names[key], key=lambda n: (bool(n.mbid), n))
                for key in candidates
                if key in shared
            }
    if not candidates:
        return None
    return next(iter(candidates.values())) if len(candidates) == 1 else _first_of_all(tracks, candidates, known_ids)


def _possible_names(credit: Credit, known_ids: KnownIds) -> dict[str, Name]:
    """Return the artists of a credit, and the whole and the segments of its joined parts, by their normalised names."""
    names = {normalised_name(name.name): name for name in resolve(credit, known_ids)}
    for part in credit.parts:
        for text in (part.name, *(segment for segment, _ in part.segments)):
            names.setdefault(normalised_name(text), Name(text, part.mbid if text == part.name else ""))
    return names


def _first_of_all(tracks: Sequence[Track], candidates: Mapping[str, Name], known_ids: KnownIds) -> Name | None:
    """Return the candidate that is most often the first name of a credit, or else the whole of it."""
    counts: Counter[str] = Counter()
    for track in tracks:
        if track.tags.artist:
            counts[normalised_name(track.tags.artist.text)] += 1
            counts[_first_artist(track, known_ids)] += 1
    best = max(candidates, key=lambda key: (counts[key], len(key), key))
    return candidates[best]
