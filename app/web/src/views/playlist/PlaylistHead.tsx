import { useState } from "preact/hooks";
import type { Playlist, Track } from "../../api/models";
import { session } from "../../api/session";
import { Dialog } from "../../components/Dialog";
import { Icon } from "../../components/Icon";
import { clock } from "../../format";
import { t } from "../../messages";
import { play, toggleShuffle } from "../../player/player";

interface Props {
  playlist: Playlist;
  tracks: readonly Track[];
  /** Of all entries, also those that are missing. */
  count: number;
  edit?: ((change: { name: string; comment: string; is_public: boolean }) => Promise<void>) | undefined;
  erase?: (() => void) | undefined;
}

/** Name, length and owner of a playlist, and what can be done with it. */
export function PlaylistHead({ playlist, tracks, count, edit, erase }: Props) {
  const [isEdited, setEdited] = useState(false);
  const seconds = tracks.reduce((sum, track) => sum + track.duration, 0);
  const isOwn = playlist.user_id === session.value?.user?.id;
  const facts = [
    playlist.rules && t("playlist.smart"),
    t("count.tracks", { count }),
    clock(seconds),
    !isOwn && t("playlist.by", { name: playlist.user_name }),
    playlist.is_public && t("playlist.public"),
    playlist.path && t("playlist.ofFile", { path: playlist.path }),
  ];
  return (
    <header>
      <h1>{playlist.name}</h1>
      {playlist.comment && <p>{playlist.comment}</p>}
      <p class="muted">{facts.filter(Boolean).join(" · ")}</p>
      <div class="actions">
        <button type="button" class="button main" disabled={!tracks.length} onClick={() => play(tracks)}>
          <Icon name="play" size={18} isFilled />
          {t("action.play")}
        </button>
        <button
          type="button"
          class="button"
          disabled={!tracks.length}
          onClick={() => {
            play(tracks, Math.floor(Math.random() * tracks.length));
            toggleShuffle();
          }}
        >
          <Icon name="shuffle" size={18} />
          {t("action.shuffle")}
        </button>
        {edit && (
          <button type="button" class="button" onClick={() => setEdited(true)}>
            {t("playlist.edit")}
          </button>
        )}
        {erase && (
          <button type="button" class="button" onClick={erase}>
            {t("playlist.delete")}
          </button>
        )}
      </div>
      {isEdited && edit && (
        <Edited
          playlist={playlist}
          onClose={() => setEdited(false)}
          save={async (change) => {
            await edit(change);
            setEdited(false);
          }}
        />
      )}
    </header>
  );
}

function Edited(props: { playlist: Playlist; save: NonNullable<Props["edit"]>; onClose: () => void }) {
  const [name, setName] = useState(props.playlist.name);
  const [comment, setComment] = useState(props.playlist.comment);
  const [is_public, setPublic] = useState(props.playlist.is_public);
  return (
    <Dialog title={t("playlist.edit")} onClose={props.onClose}>
      <form
        class="edit-playlist"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) void props.save({ name: name.trim(), comment, is_public });
        }}
      >
        <label class="field">
          {t("playlist.name")}
          <input value={name} maxLength={200} required onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label class="field">
          {t("playlist.comment")}
          <input value={comment} maxLength={1000} onInput={(event) => setComment(event.currentTarget.value)} />
        </label>
        <label class="check">
          <input type="checkbox" checked={is_public} onChange={(event) => setPublic(event.currentTarget.checked)} />
          {t("playlist.isPublic")}
        </label>
        <div class="actions">
          <button type="button" class="button" onClick={props.onClose}>
            {t("dialog.cancel")}
          </button>
          <button type="submit" class="button main">
            {t("dialog.save")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
