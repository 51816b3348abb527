"""The names that taggers write, and the one name that each has here.

The measure is the published mapping of MusicBrainz Picard ("Tag Mapping"). Beside it stand the names that Mp3tag,
foobar2000, iTunes, Windows Media Player, MusicBee, MediaMonkey, Kid3, dBpoweramp, Exact Audio Copy and beets write.
"""

from soniquebay.audio.reading.raw import TagSystem

# Several names of one tag are separated by "|", the preferred one first. The case of a name in a TXXX frame, a Vorbis
# comment, an APEv2 item or a free-form atom of MP4 means nothing, so it stands here in lower case.
_FREE_NAMES = {
    "title": "title",
    "subtitle": "subtitle",
    "title_sort": "titlesort|title sort|titlesortorder",
    "artist": "artist",
    "artists": "artists",
    "artist_sort": "artistsort|artist sort|artistsortorder",
    "artists_sort": "artists_sort|artistssort|artists sort",
    "album": "album",
    "album_sort": "albumsort|album sort|albumsortorder",
    "album_artist": "albumartist|album artist|album_artist",
    "album_artists": "albumartists|album artists|album_artists",
    "album_artist_sort": "albumartistsort|album artist sort|albumartistsortorder|album artist sort order"
    "|album_artist_sort",
    "album_artists_sort": "albumartists_sort|albumartistssort|album artists sort|album_artists_sort",
    "album_version": "albumversion|album version|version|musicbrainz_albumcomment|musicbrainz album comment|edition",
    "disc_subtitle": "discsubtitle|disc subtitle|setsubtitle|disctitle",
    "track": "tracknumber|track|track number|tracknum",
    "track_total": "tracktotal|totaltracks|total tracks|trackcount",
    "disc": "discnumber|disc|disc number|discnum|disk|disknumber",
    "disc_total": "disctotal|totaldiscs|total discs|disccount",
    "date": "date|year",
    "release_date": "releasedate|release date|release_date|releasetime",
    "original_date": "originaldate|original date|original_date|originalreleasedate|original release date|origdate"
    "|originalyear|original year|original_year|originalreleaseyear|origyear",
    "genre": "genre",
    "mood": "mood",
    "grouping": "grouping|contentgroup|content group",
    "comment": "comment|description|comments",
    "lyrics": "lyrics|unsyncedlyrics|unsynced lyrics",
    "synced_lyrics": "syncedlyrics|synced lyrics|synclyrics|lyrics_synced",
    "language": "language",
    "composer": "composer",
    "composer_sort": "composersort|composer sort|composersortorder",
    "lyricist": "lyricist",
    "writer": "writer|author",
    "conductor": "conductor",
    "remixer": "remixer|mixartist|modifiedby|remixed by",
    "producer": "producer",
    "engineer": "engineer",
    "mixer": "mixer",
    "arranger": "arranger",
    "dj_mixer": "djmixer|dj mixer|dj-mixer",
    "director": "director",
    "performer": "performer|performers",
    "label": "label|publisher|organization|record label|recordlabel",
    "catalog_number": "catalognumber|catalog number|catalog|catalogno|catalog #|labelno|cataloguenumber",
    "barcode": "barcode|upc|ean|ean/upn|ean_upc",
    "isrc": "isrc",
    "release_type": "releasetype|musicbrainz_albumtype|musicbrainz album type|release type",
    "release_status": "releasestatus|musicbrainz_albumstatus|musicbrainz album status|release status",
    "release_country": "releasecountry|musicbrainz album release country|release country|country"
    "|musicbrainz_albumreleasecountry|musicbrainz_releasecountry",
    "media": "media|mediatype|source media|sourcemedia",
    "work": "work",
    # Picard writes the number to MOVEMENT and the name to MOVEMENTNAME.
    "movement": "movementname|movement name",
    "movement_number": "movement|movementnumber|movement number",
    "movement_total": "movementtotal|movement total|movementcount",
    "bpm": "bpm|tempo|fbpm",
    "key": "key|initialkey|initial key|initial_key",
    "compilation": "compilation|itunescompilation|part of a compilation",
    "rating": "fmps_rating|rating|rating wmp|rating percent",
    "play_count": "fmps_playcount|playcount|play count|play_count|play counter",
    "loved": "love rating|loverating",  # of MusicBee; the second in MP4
    "replaygain_track_gain": "replaygain_track_gain",
    "replaygain_track_peak": "replaygain_track_peak",
    "replaygain_album_gain": "replaygain_album_gain",
    "replaygain_album_peak": "replaygain_album_peak",
    "r128_track_gain": "r128_track_gain",
    "r128_album_gain": "r128_album_gain",
    # Vorbis comments and APEv2 call a recording a track, as MusicBrainz did before 2011.
    "mb_recording": "musicbrainz_trackid|musicbrainz track id|musicbrainz_recordingid|musicbrainz recording id",
    "mb_track": "musicbrainz_releasetrackid|musicbrainz release track id",
    "mb_album": "musicbrainz_albumid|musicbrainz album id|musicbrainz_releaseid|musicbrainz release id",
    "mb_release_group": "musicbrainz_releasegroupid|musicbrainz release group id",
    "mb_artist": "musicbrainz_artistid|musicbrainz artist id",
    "mb_album_artist": "musicbrainz_albumartistid|musicbrainz album artist id",
    "mb_work": "musicbrainz_workid|musicbrainz work id",
    "cuesheet": "cuesheet",
}

_ID3 = {
    "title": "tit2",
    "subtitle": "tit3",
    "title_sort": "tsot|xsot",
    "artist": "tpe1",
    "artist_sort": "tsop|xsop",
    "album": "talb",
    "album_sort": "tsoa|xsoa",
    "album_artist": "tpe2",
    "album_artist_sort": "tso2",
    "disc_subtitle": "tsst",
    "track": "trck",
    "disc": "tpos",
    "date": "tdrc|tyer",
    "release_date": "tdrl",
    "original_date": "tdor|xdor|tory",
    "genre": "tcon",
    "mood": "tmoo",
    "grouping": "grp1|tit1",
    "comment": "comm|comm:comment|comm:description|comm:id3v1 comment",
    "lyrics": "uslt",
    "synced_lyrics": "sylt",
    "language": "tlan",
    "composer": "tcom",
    "composer_sort": "tsoc",
    "lyricist": "text",
    "conductor": "tpe3",
    "remixer": "tpe4",
    "label": "tpub",
    "isrc": "tsrc",
    "media": "tmed",
    "movement": "mvnm",
    "movement_number": "mvin",
    "bpm": "tbpm",
    "key": "tkey",
    "compilation": "tcmp",
    "play_count": "pcnt",
    "mb_recording": "ufid:http://musicbrainz.org",
}

_MP4 = {
    "title": "\xa9nam",
    "subtitle": "\xa9st3",
    "title_sort": "sonm",
    "artist": "\xa9art",
    "artist_sort": "soar",
    "album": "\xa9alb",
    "album_sort": "soal",
    "album_artist": "aart",
    "album_artist_sort": "soaa",
    "track": "trkn",
    "disc": "disk",
    "date": "\xa9day",
    "genre": "\xa9gen",
    "grouping": "\xa9grp",
    "comment": "\xa9cmt",
    "lyrics": "\xa9lyr",
    "composer": "\xa9wrt",
    "composer_sort": "soco",
    "conductor": "\xa9con",
    "director": "\xa9dir",
    "arranger": "\xa9arg",
    "label": "\xa9pub",
    "work": "\xa9wrk",
    "movement": "\xa9mvn",
    "movement_number": "\xa9mvi",
    "movement_total": "\xa9mvc",
    "bpm": "tmpo",
    "compilation": "cpil",
    "rating": "rate",
}

# WM/Track is left out: it counts from 0 and stands beside WM/TrackNumber. WM/Writer is the lyricist in Picard's mapping
# and that of Windows Media Player ("text writer").
_ASF = {
    "title": "title|wm/title",
    "subtitle": "wm/subtitle",
    "title_sort": "wm/titlesortorder",
    "artist": "author",
    "artists": "wm/artists",
    "artist_sort": "wm/artistsortorder",
    "album": "wm/albumtitle",
    "album_sort": "wm/albumsortorder",
    "album_artist": "wm/albumartist",
    "album_artist_sort": "wm/albumartistsortorder",
    "disc_subtitle": "wm/setsubtitle",
    "track": "wm/tracknumber",
    "disc": "wm/partofset|wm/discnumber",
    "date": "wm/year",
    "original_date": "wm/originalreleasetime|wm/originalreleaseyear",
    "genre": "wm/genre|wm/genreid",
    "mood": "wm/mood",
    "grouping": "wm/contentgroupdescription",
    "comment": "description|wm/comments",
    "lyrics": "wm/lyrics",
    "synced_lyrics": "wm/lyrics_synchronised",
    "language": "wm/language",
    "composer": "wm/composer",
    "composer_sort": "wm/composersortorder",
    "lyricist": "wm/writer",
    "conductor": "wm/conductor",
    "remixer": "wm/modifiedby|wm/remixer",
    "producer": "wm/producer",
    "engineer": "wm/engineer",
    "mixer": "wm/mixer",
    "arranger": "wm/arranger",
    "dj_mixer": "wm/djmixer",
    "director": "wm/director",
    "performer": "wm/performer",
    "label": "wm/publisher",
    "catalog_number": "wm/catalogno|wm/catalognumber",
    "barcode": "wm/barcode",
    "isrc": "wm/isrc",
    "media": "wm/media",
    "work": "wm/work",
    "bpm": "wm/beatsperminute",
    "key": "wm/initialkey",
    "compilation": "wm/iscompilation",
    "rating": "wm/shareduserrating",
    "loved": "musicbee/love rating",
    "release_type": "musicbrainz/album type",
    "release_status": "musicbrainz/album status",
    "release_country": "musicbrainz/album release country",
    "mb_recording": "musicbrainz/track id",
    "mb_track": "musicbrainz/release track id",
    "mb_album": "musicbrainz/album id",
    "mb_release_group": "musicbrainz/release group id",
    "mb_artist": "musicbrainz/artist id",
    "mb_album_artist": "musicbrainz/album artist id",
    "mb_work": "musicbrainz/work id",
}
# Names that mean something else in ASF than elsewhere.
_NOT_IN_ASF = {"author", "version"}

# Matroska's own tag names (matroska.org, "Official tags"). A tag of the album has "album:" before its name.
_MATROSKA = {
    "title": "title",
    "subtitle": "subtitle",
    "title_sort": "title:sort",
    "artist": "artist|lead_performer",
    "artist_sort": "artist:sort",
    "album": "album:title|album",
    "album_sort": "album:title:sort",
    "album_artist": "album:artist|album_artist|albumartist|album artist",
    "album_artist_sort": "album:artist:sort",
    "track": "part_number|track",
    "track_total": "album:total_parts|total_parts",
    "disc": "volume:part_number",
    "disc_total": "edition:total_parts",
    "date": "date_released|album:date_released|date|album:date|date_recorded|year",
    "comment": "comment|comments|description",
    "label": "label|publisher|album:publisher|album:label|label_code",
    "catalog_number": "catalog_number|album:catalog_number",
    "barcode": "barcode|album:barcode",
    "remixer": "remixed_by",
    "lyricist": "lyricist",
    "writer": "written_by",
    "engineer": "sound_engineer",
    "mixer": "mixed_by",
    "dj_mixer": "dj_mixed_by",
    "performer": "accompaniment|performer",
    "key": "initial_key|key",
    "play_count": "play_counter",
}

# RIFF INFO: "Multimedia Programming Interface and Data Specifications 1.0", chapter 2, and what taggers added to it.
_RIFF = {
    "title": "inam|titl",
    "artist": "iart",
    "album": "iprd|ialb",
    "album_artist": "iaar",
    "track": "itrk|iprt|trck",
    "date": "icrd|year",
    "genre": "ignr|genr",
    "comment": "icmt|comm",
    "composer": "imus|icom",
    "writer": "iwri",
    "lyricist": "ilyc",
    "engineer": "ieng",
    "producer": "ipro",
    "label": "ipub",
    "language": "ilng",
    "media": "imed",
    "isrc": "isrc",
    "bpm": "ibpm",
    "rating": "irtd",
}

Ranked = dict[
    str, tuple[str, int]
]  # the tag system's name in lower case: the canonical name, and its place among several


def _ranked(table: dict[str, str], first: int = 0, prefix: str = "") -> Ranked:
    return {
        prefix + name: (canonical, first + place)
        for canonical, names in table.items()
        for place, name in enumerate(names.split("|"))
    }


AFTER = 100  # added to the rank of a name that stands behind all those of the tag system itself
_FREE = _ranked(_FREE_NAMES)
_FREE_AFTER = _ranked(_FREE_NAMES, AFTER)

CANONICAL: dict[TagSystem, Ranked] = {
    "id3": _ranked(_ID3) | _ranked(_FREE_NAMES, AFTER, "txxx:"),
    # The free-form atoms stand without their "mean", which differs from tagger to tagger.
    "mp4": _ranked(_MP4) | _ranked(_FREE_NAMES, AFTER, "----:"),
    "vorbis": _FREE,
    "ape": _FREE,
    "asf": {name: found for name, found in _FREE_AFTER.items() if name not in _NOT_IN_ASF} | _ranked(_ASF),
    "matroska": _FREE_AFTER | _ranked(_MATROSKA),
    "riff": _ranked(_RIFF),
}
"""For each tag system its names in lower case, each with the canonical name and its rank: of several names that are
there the one with the lowest rank is taken. `canonical_name` looks up what has more to it than a name."""

# Descriptions of comments in which programs keep data of their own.
_TECHNICAL_COMMENTS = ("itun", "itpg", "songs-db", "musicmatch", "cddb", "mcdi", "performance", "catalog")
_WITH_DETAIL = {"performer": "performer", "rating": "rating", "playcount": "play_count"}


def canonical_name(system: TagSystem, key: str) -> tuple[str, int] | None:
    """Return the canonical name and the rank of a tag whose name is not in `CANONICAL`; None for one that has none.

    Such are the comments of ID3 with a description, the free-form atoms of MP4, the names that Quod Libet writes to
    ID3, the tags of an album in Matroska, and names with a detail after a colon: "performer:piano", "rating:<e-mail>".
    """
    lower = key.lower()
    if system == "matroska" and lower.startswith("album:"):
        found = CANONICAL[system].get(lower[6:])
        return (found[0], found[1] + 2 * AFTER) if found and found[0] != "title" else None
    if system == "id3" and lower.startswith("comm:"):
        return None if lower[5:].startswith(_TECHNICAL_COMMENTS) else ("comment", 2 * AFTER)
    lower = _free_name(system, lower)
    plain = _FREE_AFTER.get(lower)
    name, _, detail = lower.partition(":")
    if plain is not None or not detail or name not in _WITH_DETAIL:
        return plain
    # Beside "performer", not behind it.
    return _WITH_DETAIL[name], 0 if system in {"vorbis", "ape"} and name == "performer" else AFTER


def _free_name(system: TagSystem, lower: str) -> str:
    """Return the name that a tagger chose itself; empty if it chose none."""
    if system == "id3":
        return lower[5:].removeprefix("quodlibet::") if lower.startswith("txxx:") else ""
    if system == "mp4":
        return lower[5:].partition(":")[2] if lower.startswith("----:") else ""
    return "" if system == "riff" else lower
