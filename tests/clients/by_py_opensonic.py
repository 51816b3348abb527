"""Plays with py-opensonic, the client of Music Assistant: `by_py_opensonic.py URL USER PASSWORD FOLDER`.

Prints what it got as JSON, and writes what it played into the folder. It runs in the environment of the clients.
"""

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

from libopensonic import AsyncConnection


async def play(url: str, user: str, password: str, folder: Path) -> dict[str, object]:
    """Return what the client shows."""
    server = urlsplit(url)
    client = AsyncConnection(f"http://{server.hostname}", user, password, port=server.port, app_name="py-opensonic")
    assert await client.ping()
    extensions = [extension.name for extension in await client.get_open_subsonic_extensions()]
    artists = [artist for index in (await client.get_artists()).index for artist in index.artist]
    artist = await client.get_artist(next(a.id for a in artists if a.name == "Band"))
    await client.get_artist_info2(artist.id)
    album = await client.get_album(artist.album[0].id)
    await client.get_album_info2(album.id)
    song = next(s for s in (await client.search3('"Song 2"')).song if s.album_id == album.id)
    everything = await client.search3("", song_count=500, album_count=500, artist_count=500)
    listed = await client.get_album_list2("alphabeticalByName", size=500)

    (folder / "file").write_bytes(await (await client.stream(song.id)).read())
    (folder / "download").write_bytes(await (await client.download(song.id)).read())
    (folder / "transcoded").write_bytes(await (await client.stream(song.id, tformat="mp3", max_bit_rate=128)).read())
    (folder / "cover").write_bytes(await (await client.get_cover_art(album.cover_art, size=300)).read())

    assert await client.star(sids=[song.id], album_ids=[album.id], artist_ids=[artist.id])
    starred = await client.get_starred2()
    assert await client.unstar(sids=[song.id], album_ids=[album.id], artist_ids=[artist.id])
    assert await client.set_rating(song.id, 4)
    rating = (await client.get_song(song.id)).user_rating
    assert await client.set_rating(song.id, 0)
    assert await client.scrobble(song.id, submission=False)
    now_playing = [entry.title for entry in await client.get_now_playing()]
    assert await client.scrobble(song.id)
    plays = (await client.get_song(song.id)).play_count - (song.play_count or 0)

    assert await client.create_playlist(name="Mix", song_ids=[album.song[2].id, album.song[0].id])
    [listed_playlist] = [playlist for playlist in await client.get_playlists() if playlist.name == "Mix"]
    assert await client.update_playlist(listed_playlist.id, song_ids_to_add=[song.id], song_indices_to_remove=[0])
    playlist = await client.get_playlist(listed_playlist.id)
    assert await client.delete_playlist(playlist.id)
    assert await client.save_play_queue([album.song[0].id, song.id], current=song.id, position=1500)
    queue = await client.get_play_queue()

    [lyrics] = await client.get_lyrics_by_song_id(song.id)
    similar = await client.get_similar_songs2(artist.id, count=10)
    alike = await client.get_sonic_similar_tracks(song.id, count=10)
    path = await client.find_sonic_path(album.song[0].id, album.song[2].id, count=10)
    await client.cleanup()
    return {
        "extensions": extensions,
        "artists": [a.name for a in artists],
        "albums": [a.name for a in listed],
        "album": [s.title for s in album.song],
        "found": song.title,
        "everything": [len(everything.artist), len(everything.album), len(everything.song)],
        "starred": [starred.artist[0].name, starred.album[0].name, starred.song[0].title],
        "rating": rating,
        "now playing": now_playing,
        "plays": plays,
        "playlist": [s.title for s in playlist.entry],
        "queue": [[s.title for s in queue.entry], queue.current == song.id, queue.position],
        "lyrics": [[line.start, line.value] for line in lyrics.line],
        "similar": len(similar),
        "alike": len(alike),
        "path": [path[0].entry.title, path[-1].entry.title],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(play(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])))))
