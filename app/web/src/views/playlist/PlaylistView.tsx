import { useRef, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { asApiError, get, patch, post, remove } from "../../api/client";
import { failureText } from "../../api/failure";
import type { Entry, Playlist, Track } from "../../api/models";
import { session } from "../../api/session";
import { address } from "../../base_path";
import { canBeChanged } from "../../components/AddToPlaylist";
import { EntryList } from "../../components/EntryList";
import { Answered } from "../../components/Notice";
import { Question } from "../../components/Question";
import { tell } from "../../components/tell";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { play } from "../../player/player";
import { PlaylistHead } from "./PlaylistHead";
import { Rules } from "./Rules";
import "./PlaylistView.css";

const PAGE_ENTRIES = 500;

/** One playlist with its entries, which its owner can change. */
export function PlaylistView() {
  const playlist_id = Number(useRoute().params["id"]);
  const asked = useAnswer((signal) => load(playlist_id, signal), [playlist_id]);
  return (
    <Answered asked={asked}>
      {({ playlist, entries }) => (
        <Opened key={`${playlist.id}-${playlist.revision}`} playlist={playlist} first={entries} reload={asked.retry} />
      )}
    </Answered>
  );
}

async function load(playlist_id: number, signal: AbortSignal) {
  const path = { playlist_id };
  const [playlist, entries] = await Promise.all([
    get("/api/playlists/{playlist_id}", { path, signal }),
    loadEntries(playlist_id, signal),
  ]);
  return { playlist, entries };
}

/** Return all entries, with a key each that stays when they are moved. */
async function loadEntries(playlist_id: number, signal: AbortSignal): Promise<Keyed[]> {
  const found: Keyed[] = [];
  for (;;) {
    const query = { limit: PAGE_ENTRIES, offset: found.length };
    const part = await get("/api/playlists/{playlist_id}/entries", { path: { playlist_id }, query, signal });
    found.push(...part.items.map((entry, i) => ({ ...entry, key: found.length + i })));
    if (!part.items.length || found.length >= part.total) return found;
  }
}

type Keyed = Entry & { key: number };

function Opened(props: { playlist: Playlist; first: Keyed[]; reload: () => void }) {
  const { route } = useLocation();
  const [playlist, setPlaylist] = useState(props.playlist);
  const [entries, setEntries] = useState(props.first);
  const [isAsking, setAsking] = useState(false);
  const isOwn = playlist.user_id === session.value?.user?.id && !playlist.path;
  const isChangeable = canBeChanged(playlist);
  const path = { playlist_id: playlist.id };
  const tracks = entries.flatMap((entry) => (entry.track && !entry.is_missing ? [entry.track] : []));

  // Each change names the revision that the one before it has made.
  const last = useRef(Promise.resolve(props.playlist));

  /** Show a change at once, and what was there before if it fails. */
  const change = async (after: Keyed[], request: (revision: number) => Promise<Playlist>) => {
    setEntries(after);
    const changed = last.current.then((before) => request(before.revision));
    last.current = changed;
    try {
      setPlaylist(await changed);
    } catch (error) {
      const problem = asApiError(error);
      tell(problem.status === 409 ? t("playlist.changedElsewhere") : failureText(problem));
      setEntries(entries);
      last.current = Promise.resolve(playlist);
      props.reload();
    }
  };
  const move = (from: number, to: number) => {
    const moved = entries[from];
    if (!moved) return;
    void change(entries.toSpliced(from, 1).toSpliced(to, 0, moved), (revision) => {
      const body = { position: from, count: 1, to, revision };
      return post("/api/playlists/{playlist_id}/entries/move", { path, body });
    });
  };
  const removeEntry = (index: number) => {
    void change(entries.toSpliced(index, 1), (revision) => {
      const body = { positions: [index], revision };
      return post("/api/playlists/{playlist_id}/entries/remove", { path, body });
    });
  };
  const edit = async (body: { name?: string; comment?: string; is_public?: boolean }) => {
    try {
      setPlaylist(await patch("/api/playlists/{playlist_id}", { path, body }));
    } catch (error) {
      tell(failureText(asApiError(error)));
    }
  };
  const erase = async () => {
    try {
      await remove("/api/playlists/{playlist_id}", { path });
      route(address("/playlists"));
    } catch (error) {
      setAsking(false);
      tell(failureText(asApiError(error)));
    }
  };
  return (
    <div class="playlist-view">
      <PlaylistHead
        playlist={playlist}
        tracks={tracks}
        count={entries.length}
        edit={isOwn ? edit : undefined}
        erase={isOwn ? () => setAsking(true) : undefined}
      />
      {playlist.rules && <Rules rules={playlist.rules} />}
      {entries.length ? (
        <EntryList
          label={playlist.name}
          rows={entries.map(rowOf)}
          play={(index) => play(tracks, playableBefore(entries, index))}
          move={isChangeable ? move : undefined}
          remove={isChangeable ? removeEntry : undefined}
        />
      ) : (
        <p class="muted">{t(isChangeable ? "playlist.empty" : "list.empty")}</p>
      )}
      {isAsking && (
        <Question
          title={t("playlist.delete")}
          text={t("playlist.reallyDelete", { name: playlist.name })}
          action={t("playlist.delete")}
          onYes={erase}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  );
}

function rowOf({ key, title, artist, duration, is_missing, track }: Keyed) {
  return { key, title, artist, duration, isMissing: is_missing || !track };
}

/** Return which of the tracks that can be played an entry is. */
function playableBefore(entries: readonly { track: Track | null; is_missing: boolean }[], index: number): number {
  return entries.slice(0, index).filter((entry) => entry.track && !entry.is_missing).length;
}
