"""Tags at random, out of few values: names and titles meet, contradict and belong together, as in real libraries."""

import random
from collections.abc import Iterable, Sequence

Tags = dict[str, list[str]]

ARTISTS = (
    "Ada North", "Bo South", "Ada North & Bo South", "ada north", "Ada North feat. Cy West", "Cy West",
    "Cy, Dee & Eve", "The Dee", "Dee", "Dée", "Bo South with The Dee", "Cy West / Dee", "Various Artists",
    "Ívar Þór", "Łucja Żak", "東京事変", "Чайка", "Чаика", "R.E.Q.", "Earth, Wind & Rain", "!!!",
    "Fay & The Family", "Gil (ft. Ada North)", "Gil", "Hal; Ina", "Hal", "Ina", "Jo+Kim", "Lev", "Max Mono",
    "Nia vs. Otto", "Otto", "Pia Paulsen", "Pia Paulsen Quartet",
)  # fmt: skip
PEOPLE = ("Ada North", "Johann Muster", "Muster, Johann", "Cy West & Bo South", "Orchester der Stadt", "Otto")
TITLES = ("One", "Two", "two", "Three (Live)", "Für Elise", "Yesterday’s News", "夜", "Intro", "Was It?", "Ohne Titel")
ALBUMS = (
    "Hits", "hits", "Best Of", "Ada North", "Live [Disc 1]", "Live [Disc 2]", "Live", "Sommer", "Sömmer", "Box (CD 1)",
    "Box (CD 2)", "Unplugged", "1999", "?", "The Long Way Home",
)  # fmt: skip
GENRES = (
    "Rock", "rock", "ROCK", "Hip-Hop", "hip hop", "Folk, World, & Country", "Jazz; Blues", "Jazz", "(17)", "17",
    "Rock/Pop", "Drum & Bass", "Blues, Soul", "Stage & Screen", "Unbekannt",
)  # fmt: skip
DATES = ("1999", "2004-05-21", "2004", "20040521", "21.05.2004", "0000", "1971-02", "no date", "2015-13-01")
IDS = tuple(f"4b8d2c10-0000-4000-8000-{number:012x}" for number in range(12))


def sample(chance: random.Random, values: Sequence[str], weights: Iterable[float] = (0.8, 0.15, 0.05)) -> list[str]:
    """Return one value most often, else several, without repetition."""
    (count,) = chance.choices((1, 2, 3), list(weights))
    return chance.sample(values, min(count, len(values)))


def album_tags(chance: random.Random) -> Tags:
    """Return what all files of an album have in common; seldom all of it."""
    tags = {"album": [chance.choice(ALBUMS)], "artist": [chance.choice(ARTISTS)]}
    maybe: dict[str, tuple[float, list[str]]] = {
        "albumartist": (0.5, sample(chance, [*tags["artist"], *ARTISTS[:12]])),
        "date": (0.7, [chance.choice(DATES)]),
        "originaldate": (0.1, [chance.choice(DATES)]),
        "genre": (0.7, sample(chance, GENRES)),
        "compilation": (0.08, ["1"]),
        "label": (0.2, sample(chance, ("Label A", "Label B"))),
        "barcode": (0.15, [chance.choice(("0123456789012", "4006381333931"))]),
        "catalognumber": (0.15, sample(chance, ("A-1", "B-2"))),
        "releasetype": (0.2, ["album", "live"][: chance.choice((1, 2))]),
        "replaygain_album_gain": (0.3, [chance.choice(("-6.50 dB", "+1,2 dB"))]),
        "artistsort": (0.2, [", ".join(reversed(tags["artist"][0].split(" ", 1)))]),
    }
    tags |= {name: values for name, (probability, values) in maybe.items() if chance.random() < probability}
    if chance.random() < 0.25:
        tags["musicbrainz_artistid"] = sample(chance, IDS[:6])
        tags["musicbrainz_albumartistid"] = tags["musicbrainz_artistid"][:1]
    if chance.random() < 0.25:
        tags["musicbrainz_albumid"] = [chance.choice(IDS[6:])]
    return tags


def track_tags(chance: random.Random, album: Tags, number: int, disc: int | None = None) -> Tags:
    """Return the tags of one file of an album, which may say something else than its neighbours."""
    tags = {**album, "title": [f"{chance.choice(TITLES)} {number}" if chance.random() < 0.8 else chance.choice(TITLES)]}
    if chance.random() < 0.9:
        tags["tracknumber"] = [str(number)]
    if disc is not None:
        tags["discnumber"] = [str(disc)]
        if chance.random() < 0.2:
            tags["discsubtitle"] = [f"Side {disc}"]
    if chance.random() < 0.15:
        tags["artist"] = sample(chance, ARTISTS)
    if chance.random() < 0.1:
        tags["artists"] = sample(chance, ARTISTS, (0.3, 0.5, 0.2))
    for role in ("composer", "conductor", "lyricist", "performer:piano"):
        if chance.random() < 0.06:
            tags[role] = sample(chance, PEOPLE)
    if chance.random() < 0.1:
        tags["musicbrainz_recordingid"] = [chance.choice(IDS)]
    for name in chance.sample(sorted(tags), chance.choice((0, 0, 0, 1, 2))):
        del tags[name]
    return tags
