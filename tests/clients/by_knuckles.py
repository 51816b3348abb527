"""Plays with knuckles: `by_knuckles.py URL USER PASSWORD FOLDER`.

Prints what it got as JSON, and writes what it played into the folder. It runs in the environment of the clients.
Artists' info and playlists are left out: knuckles 1.2.0 wants addresses of pictures, which are optional, and refuses
the field `readonly`, which is newer.
"""

import json
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from knuckles import Subsonic


def play(url: str, user: str, password: str, folder: Path) -> dict[str, object]:
    """Return what the client shows."""
    client = Subsonic(url, user, password, "knuckles", use_https=False)
    assert client.system.ping().status == "ok"
    assert client.system.get_license().valid
    artists = client.browsing.get_artists()
    artist = client.browsing.get_artist(next(a.id for a in artists if a.name == "Band"))
    album = client.browsing.get_album(artist.albums[0].id)
    client.browsing.get_album_info(album.id)
    client.browsing.get_music_directory(album.id)
    song = next(s for s in client.searching.search("Song 2").songs if s.album.id == album.id)
    everything = client.searching.search("", song_count=500, album_count=500, artist_count=500)
    listed = client.lists.get_album_list_alphabetical_by_name(num_of_albums=500)

    def fetch(name: str, address: str) -> None:
        with urllib.request.urlopen(address) as answer:  # noqa: S310 - our own server's
            (folder / name).write_bytes(answer.read())

    fetch("file", client.media_retrieval.stream(song.id))
    fetch("transcoded", client.media_retrieval.stream(song.id, max_bitrate_rate=128, stream_format="mp3"))
    client.media_retrieval.download(song.id, folder / "download")
    client.media_retrieval.get_cover_art(album.cover_art.id, folder / "cover", 300)

    client.media_annotation.star_song(song.id).media_annotation.star_album(album.id).media_annotation.star_artist(
        artist.id
    )
    starred = client.lists.get_starred()
    client.media_annotation.unstar_song(song.id)
    client.media_annotation.unstar_album(album.id)
    client.media_annotation.unstar_artist(artist.id)
    client.media_annotation.set_rating(song.id, 4)
    rating = client.browsing.get_song(song.id).user_rating
    client.media_annotation.remove_rating(song.id)
    client.media_annotation.scrobble([song.id], [datetime.now(UTC)], submission=False)
    now_playing = [entry.song.title for entry in client.lists.get_now_playing()]
    client.media_annotation.scrobble([song.id], [datetime.now(UTC)])
    plays = client.browsing.get_song(song.id).play_count - (song.play_count or 0)

    client.bookmarks.save_play_queue([album.songs[0].id, song.id], song.id, 1500)
    queue = client.bookmarks.get_play_queue()
    similar = client.browsing.get_similar_songs(artist.id, 10)
    return {
        "artists": [a.name for a in artists],
        "albums": [a.name for a in listed],
        "album": [s.title for s in album.songs],
        "found": song.title,
        "everything": [len(everything.artists), len(everything.albums), len(everything.songs)],
        "starred": [starred.artists[0].name, starred.albums[0].name, starred.songs[0].title],
        "rating": rating,
        "now playing": now_playing,
        "plays": plays,
        "queue": [[s.title for s in queue.songs], queue.current.id == song.id, queue.position],
        "similar": len(similar),
    }


if __name__ == "__main__":
    print(json.dumps(play(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))))
