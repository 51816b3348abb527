// Plays with subsonic-api from npm: `play.mjs URL USER PASSWORD FOLDER`. It prints what it got as JSON, and writes what
// it played into the folder.
import assert from "node:assert";
import { writeFileSync } from "node:fs";

import SubsonicAPI from "subsonic-api";

const [url, username, password, folder] = process.argv.slice(2);
const client = new SubsonicAPI({ url, auth: { username, password } });
const keep = async (name, answer) => writeFileSync(`${folder}/${name}`, Buffer.from(await (await answer).arrayBuffer()));
const ok = async (answer) => assert.equal((await answer).status, "ok");

await ok(client.ping());
const artists = (await client.getArtists()).artists.index.flatMap((index) => index.artist);
const artist = (await client.getArtist({ id: artists[0].id })).artist;
await ok(client.getArtistInfo2({ id: artist.id }));
const album = (await client.getAlbum({ id: artist.album[0].id })).album;
await ok(client.getAlbumInfo2({ id: album.id }));
const song = (await client.search3({ query: "Song 2" })).searchResult3.song[0];
const all = (await client.search3({ query: "", songCount: 500, albumCount: 500, artistCount: 500 })).searchResult3;
const listed = (await client.getAlbumList2({ type: "alphabeticalByName", size: 500 })).albumList2.album;

await keep("file", client.stream({ id: song.id }));
await keep("download", client.download({ id: song.id }));
await keep("transcoded", client.stream({ id: song.id, format: "mp3", maxBitRate: 128 }));
await keep("cover", client.getCoverArt({ id: album.coverArt, size: 300 }));

const marked = { id: song.id, albumId: album.id, artistId: artist.id };
await ok(client.star(marked));
const { starred2 } = await client.getStarred2();
await ok(client.unstar(marked));
await ok(client.setRating({ id: song.id, rating: 4 }));
const rating = (await client.getSong({ id: song.id })).song.userRating;
await ok(client.setRating({ id: song.id, rating: 0 }));
await ok(client.scrobble({ id: song.id, submission: false }));
const heard = (await client.getNowPlaying()).nowPlaying.entry.map((entry) => entry.title);
await ok(client.scrobble({ id: song.id }));
const plays = (await client.getSong({ id: song.id })).song.playCount - (song.playCount ?? 0);

const songId = [album.song[2].id, album.song[0].id];
const made = (await client.createPlaylist({ name: "Mix", songId })).playlist;
await ok(client.updatePlaylist({ playlistId: made.id, songIdToAdd: [song.id], songIndexToRemove: [0] }));
const { playlist } = await client.getPlaylist({ id: made.id });
await ok(client.deletePlaylist({ id: made.id }));
await ok(client.savePlayQueue({ id: [album.song[0].id, song.id], current: song.id, position: 1500 }));
const { playQueue } = await client.getPlayQueue();
const [lyrics] = (await client.getLyricsBySongId({ id: song.id })).lyricsList.structuredLyrics;
const similar = (await client.getSimilarSongs2({ id: artist.id, count: 10 })).similarSongs2.song;

const titles = (songs) => songs.map((s) => s.title);
console.log(JSON.stringify({
  artists: artists.map((a) => a.name),
  albums: listed.map((a) => a.name),
  album: titles(album.song),
  found: song.title,
  everything: [all.artist.length, all.album.length, all.song.length],
  starred: [starred2.artist[0].name, starred2.album[0].name, starred2.song[0].title],
  rating,
  "now playing": heard,
  plays,
  playlist: titles(playlist.entry),
  queue: [titles(playQueue.entry), playQueue.current === song.id, playQueue.position],
  lyrics: lyrics.line.map((line) => [line.start, line.value]),
  similar: similar.length,
}));
