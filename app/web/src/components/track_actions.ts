import type { Track } from "../api/models";
import { session } from "../api/session";
import { address } from "../base_path";
import { gather } from "../blend/gathered";
import { t } from "../messages";
import { enqueue, playNext } from "../player/player";
import { startRadio } from "../player/radio";
import type { Action } from "./ActionMenu";
import { addToPlaylist } from "./add_to_playlist";
import { tell } from "./tell";

/** Return what can be done with tracks, whichever list they are in. */
export function queueActions(tracks: readonly Track[]): Action[] {
  const told = t("library.queued", { count: tracks.length });
  const actions: Action[] = [
    {
      label: t("library.playNext"),
      icon: "playNext",
      run: () => {
        playNext(tracks);
        tell(told);
      },
    },
    {
      label: t("library.enqueue"),
      icon: "queue",
      run: () => {
        enqueue(tracks);
        tell(told);
      },
    },
  ];
  // A guest has no playlists.
  if (session.value?.user) {
    actions.push({ label: t("addTo.title"), icon: "playlist", run: () => addToPlaylist(tracks) });
  }
  return actions;
}

/** Return what the menu of a track has. */
export function trackActions(track: Track): Action[] {
  const actions = queueActions([track]);
  if (track.has_vector) {
    actions.push({ label: t("radio.name"), icon: "radio", run: () => playRadio(track) });
    actions.push({ label: t("blend.more"), icon: "plus", run: () => gather("more", track) });
    actions.push({ label: t("blend.less"), icon: "minus", run: () => gather("less", track) });
  }
  if (track.album_id !== null) {
    actions.push({ label: t("library.goToAlbum"), icon: "album", href: address(`/albums/${track.album_id}`) });
  }
  for (const { id, name } of track.artists.length ? track.artists : [{ id: track.artist_id, name: track.artist }]) {
    actions.push({ label: t("library.goToArtist", { name }), icon: "artist", href: address(`/artists/${id}`) });
  }
  if (track.has_vector) {
    actions.push({ label: t("map.showTrack"), icon: "map", href: address(`/map?track=${track.id}`) });
  }
  return actions;
}

function playRadio(track: Track): void {
  const { id, title } = track;
  startRadio({ kind: "track", id, title }, track).catch(() => tell(t("radio.failed")));
}
