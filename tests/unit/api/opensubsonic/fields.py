"""Which fields an answer has, and of which kind: a table of our own, made from the description of the API."""

import re
from typing import Any

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ID = re.compile(r"(?:tr|al|ar|pl)-[1-9]\d*|fo-[\w-]+")
COVER = re.compile(r"(?:tr|al|ar|pl)-[1-9]\d*(?:-[0-9a-f]{8})?")

# A name with "?" may be absent. A list with one shape has elements of it; a text is a kind, or another shape by name.
Shape = dict[str, Any]
SHAPES: dict[str, Shape] = {
    "artist": {"id": "id", "name": "text", "coverArt?": "cover", "albumCount?": "count", "starred?": "time",
               "userRating?": "rating", "musicBrainzId?": "text", "sortName?": "text", "roles?": ["text"]},
    "artist of a folder": {"id": "id", "name": "text", "coverArt?": "cover", "starred?": "time",
                           "userRating?": "rating", "artistImageUrl?": "text"},
    "index": {"name": "text", "artist": ["artist"]},
    "artists": {"ignoredArticles": "text", "index": ["index"]},
    "genre": {"value": "text", "songCount": "count", "albumCount": "count"},
    "genres": {"genre": ["genre"]},
    "albums": {"album": ["album"]},
    "folders of albums": {"album": ["folder of an album"]},
    "songs": {"song": ["song"]},
    "found": {"artist": ["artist"], "album": ["album"], "song": ["song"]},
    "found in folders": {"artist": ["artist of a folder"], "album": ["folder of an album"], "song": ["song"]},
    "matches": {"offset": "count", "totalHits": "count", "match": ["song"]},
    "playlist": {
        "id": "id", "name": "text", "comment": "text", "owner": "text", "public": "yes or no", "songCount": "count",
        "duration": "count", "created": "time", "changed": "time", "coverArt?": "cover", "readonly": "yes or no",
    },
    "playlists": {"playlist": ["playlist"]},
    "queue": {"username": "text", "changed": "time", "changedBy": "text", "entry": ["song"], "position?": "count",
              "current?": "id"},
    "queue by index": {"username": "text", "changed": "time", "changedBy": "text", "entry": ["song"],
                       "position?": "count", "currentIndex?": "count"},
    "bookmark": {"position": "count", "username": "text", "comment": "text", "created": "time", "changed": "time",
                 "entry": "song"},
    "bookmarks": {"bookmark": ["bookmark"]},
    "lyrics": {"value": "text", "artist?": "text", "title?": "text"},
    "line": {"value": "text", "start?": "count"},
    "structured lyrics": {"lang": "text", "synced": "yes or no", "line": ["line"], "displayArtist": "text",
                          "displayTitle": "text", "offset": "number"},
    "list of lyrics": {"structuredLyrics": ["structured lyrics"]},
    "music folder": {"id": "count", "name": "text"},
    "music folders": {"musicFolder": ["music folder"]},
    "letter of folders": {"name": "text", "artist": ["artist of a folder"]},
    "indexes": {"ignoredArticles": "text", "lastModified": "count", "index": ["letter of folders"], "child": ["song"]},
    "directory": {"id": "id", "parent?": "id", "name": "text", "starred?": "time", "userRating?": "rating",
                  "playCount?": "count", "child": ["in a folder"]},
    "artist info": {"biography": "text", "musicBrainzId": "text", "lastFmUrl": "text",
                    "similarArtist": ["artist of a folder"]},
    "artist info 2": {"biography": "text", "musicBrainzId": "text", "lastFmUrl": "text", "similarArtist": ["artist"]},
    "album info": {"notes": "text", "musicBrainzId": "text", "lastFmUrl": "text"},
    "match": {"entry": "song", "similarity": "share"},
    "named": {"name": "text"},
    "reference": {"id": "id", "name": "text"},
    "date": {"year?": "count", "month?": "count", "day?": "count"},
    "song": {
        "id": "id", "parent?": "id", "isDir": "no", "title": "text", "album?": "text", "artist?": "text",
        "track?": "count", "year?": "count", "genre?": "text", "coverArt?": "cover", "size": "count",
        "contentType": "text", "suffix": "text", "transcodedContentType?": "text", "transcodedSuffix?": "text",
        "duration": "count", "bitRate?": "count", "bitDepth": "count", "samplingRate": "count",
        "channelCount": "count", "path": "relative", "isVideo": "no", "userRating?": "rating", "playCount?": "count",
        "discNumber?": "count", "created": "time", "starred?": "time", "albumId?": "id", "artistId?": "id",
        "type": "text", "mediaType": "text", "played?": "time", "bpm": "count", "comment": "text", "sortName": "text",
        "musicBrainzId": "text", "isrc": ["text"], "genres": ["named"], "artists": ["reference"],
        "displayArtist": "text", "albumArtists": ["reference"], "displayAlbumArtist": "text",
        "contributors": ["contributor"], "displayComposer": "text", "moods": ["text"], "replayGain": "gain",
        "works": ["work"], "movements": ["movement"], "groupings": ["text"], "bookmarkPosition?": "count",
    },
    "contributor": {"role": "text", "subRole?": "text", "artist": "reference"},
    "gain": {"trackGain?": "number", "albumGain?": "number", "trackPeak?": "number", "albumPeak?": "number"},
    "work": {"name": "text", "musicBrainzId?": "text"},
    "movement": {"name": "text", "number?": "count", "count?": "count"},
    "album": {
        "id": "id", "name": "text", "version": "text", "artist": "text", "artistId": "id", "coverArt?": "cover",
        "songCount": "count", "duration": "count", "playCount?": "count", "created": "time", "starred?": "time",
        "year?": "count", "genre?": "text", "played?": "time", "userRating?": "rating", "recordLabels": ["named"],
        "musicBrainzId": "text", "genres": ["named"], "artists": ["reference"], "displayArtist": "text",
        "releaseTypes": ["text"], "moods": ["text"], "sortName": "text", "originalReleaseDate": "date",
        "releaseDate": "date", "isCompilation": "yes or no", "discTitles": ["disc"],
    },
    "disc": {"disc": "count", "title": "text"},
    "folder of an album": {
        "id": "id", "parent?": "id", "isDir": "yes", "title": "text", "album?": "text", "artist?": "text",
        "year?": "count", "genre?": "text", "coverArt?": "cover", "created?": "time", "starred?": "time",
        "userRating?": "rating", "playCount?": "count", "played?": "time", "artistId?": "id", "duration?": "count",
        "name?": "text", "songCount?": "count", "albumId?": "id", "mediaType?": "text", "isVideo?": "no",
        "musicBrainzId?": "text",
    },
    "extension": {"name": "text", "versions": ["count"]},
    "license": {"valid": "yes"},
    "user": {
        "username": "text", "scrobblingEnabled": "yes or no", "folder?": ["count"],
        **{f"{role}Role": "yes or no" for role in (
            "admin", "settings", "download", "upload", "playlist", "coverArt", "comment", "podcast", "stream",
            "jukebox", "share", "videoConversion")},
    },
    "users": {"user": ["user"]},
    "heard": {"entry": ["heard song"]},
    "scan": {"scanning": "yes or no", "count": "count"},
    "token": {"username": "text"},
}  # fmt: skip
# What the answer to a method has besides the envelope.
SHAPES["heard song"] = {**SHAPES["song"], "username": "text", "minutesAgo": "count", "playerId": "count",
                        "playerName": "text"}  # fmt: skip
_PLAYLIST_WITH_SONGS = {**SHAPES["playlist"], "entry": ["song"]}
_ALBUM_WITH_SONGS = {**SHAPES["album"], "song": ["song"]}
_ARTIST_WITH_ALBUMS = {**SHAPES["artist"], "album": ["album"]}
ANSWERS: dict[str, Shape] = {
    "getMusicFolders": {"musicFolders": "music folders"}, "getIndexes": {"indexes": "indexes"},
    "getMusicDirectory": {"directory": "directory"}, "getArtistInfo": {"artistInfo": "artist info"},
    "getArtistInfo2": {"artistInfo2": "artist info 2"}, "getAlbumInfo": {"albumInfo": "album info"},
    "getAlbumInfo2": {"albumInfo": "album info"}, "getTopSongs": {"topSongs": "songs"},
    "getSimilarSongs": {"similarSongs": "songs"}, "getSimilarSongs2": {"similarSongs2": "songs"},
    "getSonicSimilarTracks": {"sonicMatch": ["match"]}, "findSonicPath": {"sonicMatch": ["match"]},
    "getPodcasts": {"podcasts": {"channel": ["nothing"]}},
    "getNewestPodcasts": {"newestPodcasts": {"episode": ["nothing"]}},
    "getInternetRadioStations": {"internetRadioStations": {"internetRadioStation": ["nothing"]}},
    "getShares": {"shares": {"share": ["nothing"]}}, "getChatMessages": {"chatMessages": {"chatMessage": ["nothing"]}},
    "getVideos": {"videos": {"video": ["nothing"]}},
    "star": {}, "unstar": {}, "setRating": {}, "scrobble": {}, "updatePlaylist": {}, "deletePlaylist": {},
    "savePlayQueue": {}, "savePlayQueueByIndex": {}, "createBookmark": {}, "deleteBookmark": {},
    "getNowPlaying": {"nowPlaying": "heard"}, "getPlaylists": {"playlists": "playlists"},
    "getPlaylist": {"playlist": _PLAYLIST_WITH_SONGS}, "createPlaylist": {"playlist": _PLAYLIST_WITH_SONGS},
    "getPlayQueue": {"playQueue": "queue"}, "getPlayQueueByIndex": {"playQueueByIndex": "queue by index"},
    "getBookmarks": {"bookmarks": "bookmarks"}, "getLyrics": {"lyrics": "lyrics"},
    "getLyricsBySongId": {"lyricsList": "list of lyrics"},
    "getArtists": {"artists": "artists"}, "getArtist": {"artist": _ARTIST_WITH_ALBUMS},
    "getAlbum": {"album": _ALBUM_WITH_SONGS}, "getSong": {"song": "song"}, "getGenres": {"genres": "genres"},
    "getAlbumList": {"albumList": "folders of albums"}, "getAlbumList2": {"albumList2": "albums"},
    "getRandomSongs": {"randomSongs": "songs"}, "getSongsByGenre": {"songsByGenre": "songs"},
    "getStarred": {"starred": "found in folders"}, "getStarred2": {"starred2": "found"},
    "search": {"searchResult": "matches"}, "search2": {"searchResult2": "found in folders"},
    "search3": {"searchResult3": "found"},
    "ping": {}, "getLicense": {"license": "license"}, "tokenInfo": {"tokenInfo": "token"},
    "getOpenSubsonicExtensions": {"openSubsonicExtensions": ["extension"]},
    "getScanStatus": {"scanStatus": "scan"}, "startScan": {"scanStatus": "scan"},
    "getUser": {"user": "user"}, "getUsers": {"users": "users"},
}  # fmt: skip
ENVELOPE: Shape = {
    "status": "text", "version": "text", "type": "text", "serverVersion": "text", "openSubsonic": "yes",
}  # fmt: skip
ERROR: Shape = {"code": "count", "message": "text"}


def check(method: str, content: Any) -> None:
    """Raise ``AssertionError`` unless an answer has the fields of its method, and no others."""
    if content["status"] == "failed":
        _check(method, content, {**ENVELOPE, "error": ERROR})
    else:
        _check(method, content, {**ENVELOPE, **ANSWERS[method.removesuffix(".view")]})


def _check(place: str, value: Any, shape: Any) -> None:
    if isinstance(shape, list):
        assert isinstance(value, list), place
        for number, item in enumerate(value):
            _check(f"{place}[{number}]", item, shape[0])
    elif isinstance(shape, str):
        if shape == "in a folder":
            shape = "folder of an album" if value["isDir"] else "song"
        if shape in SHAPES:
            _check(place, value, SHAPES[shape])
        else:
            assert KINDS[shape](value), f"{place}: {value!r} is no {shape}"
    else:
        assert isinstance(value, dict), place
        optional = {name.removesuffix("?") for name in shape}
        required = {name for name in shape if not name.endswith("?")}
        assert required <= value.keys() <= optional, f"{place}: {required - value.keys()} {value.keys() - optional}"
        for name, item in value.items():
            _check(f"{place}.{name}", item, shape[name] if name in shape else shape[f"{name}?"])


KINDS: dict[str, Any] = {
    "text": lambda v: isinstance(v, str),
    "id": lambda v: isinstance(v, str) and ID.fullmatch(v),
    "cover": lambda v: isinstance(v, str) and COVER.fullmatch(v),
    "time": lambda v: isinstance(v, str) and TIME.fullmatch(v),
    "count": lambda v: type(v) is int and v >= 0,
    "number": lambda v: type(v) in {int, float},
    "rating": lambda v: type(v) is int and 1 <= v <= 5,
    "yes": lambda v: v is True,
    "no": lambda v: v is False,
    "yes or no": lambda v: isinstance(v, bool),
    "relative": lambda v: isinstance(v, str) and v and not v.startswith("/"),
    "share": lambda v: type(v) in {int, float} and 0 <= v <= 1,
    "nothing": lambda _: False,
}
