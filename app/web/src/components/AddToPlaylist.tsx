import { useState } from "preact/hooks";
import { get, post } from "../api/client";
import type { Playlist, Track } from "../api/models";
import { session } from "../api/session";
import { t } from "../messages";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { Answered, ErrorNotice } from "./Notice";
import { tell } from "./tell";
import { useAction } from "./use_action";
import { useAnswer } from "./use_answer";
import "./AddToPlaylist.css";

interface Props {
  tracks: readonly Track[];
  onClose: () => void;
}

/** Adds tracks to one of the listener's playlists, or to a new one. */
export function AddToPlaylist({ tracks, onClose }: Props) {
  const asked = useAnswer((signal) => get("/api/playlists", { signal }), []);
  const { error, isRunning, run } = useAction();
  const track_ids = tracks.map((track) => track.id);
  const send = (request: () => Promise<Playlist>) =>
    run(async () => {
      const { name } = await request();
      tell(t("addTo.added", { count: tracks.length, name }));
      onClose();
    });
  const addTo = (playlist: Playlist) => {
    const path = { playlist_id: playlist.id };
    return send(() => post("/api/playlists/{playlist_id}/entries", { path, body: { track_ids } }));
  };
  const create = (name: string) =>
    send(() => post("/api/playlists", { body: { name, comment: "", is_public: false, track_ids } }));
  return (
    <Dialog title={t("addTo.title")} onClose={onClose}>
      <p class="muted">{tracks.length === 1 ? tracks[0]?.title : t("count.tracks", { count: tracks.length })}</p>
      <NewPlaylist isBusy={isRunning} create={create} />
      {error && <ErrorNotice error={error} />}
      <Answered asked={asked}>
        {({ items }) => (
          <ul class="add-to">
            {items.filter(canBeChanged).map((playlist) => (
              <li key={playlist.id}>
                <button type="button" class="popup-row" disabled={isRunning} onClick={() => addTo(playlist)}>
                  <Icon name="playlist" size={20} />
                  <span class="one-line">{playlist.name}</span>
                  <span class="muted">{t("count.tracks", { count: playlist.entry_count })}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </Answered>
    </Dialog>
  );
}

/** Tell whether the listener may change the entries of a playlist. */
export function canBeChanged(playlist: Playlist): boolean {
  return playlist.user_id === session.value?.user?.id && !playlist.rules && !playlist.path;
}

/** A field for the name of a new playlist, with its button. */
export function NewPlaylist({ isBusy, create }: { isBusy: boolean; create: (name: string) => void }) {
  const [name, setName] = useState("");
  return (
    <form
      class="new-playlist"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim()) create(name.trim());
      }}
    >
      <label class="field">
        {t("addTo.newName")}
        <input value={name} maxLength={200} required onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button main" disabled={isBusy}>
        {t("addTo.create")}
      </button>
    </form>
  );
}
