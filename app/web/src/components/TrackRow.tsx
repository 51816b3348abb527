import { Fragment } from "preact";
import type { Track } from "../api/models";
import { address } from "../base_path";
import { clock } from "../format";
import { t } from "../messages";
import { current, isPlaying } from "../player/player";
import { ActionMenu } from "./ActionMenu";
import { Cover } from "./Cover";
import { itemWithCover } from "./item_with_cover";
import { Star } from "./Star";
import { trackActions } from "./track_actions";
import "./TrackRow.css";

export interface TrackRowLook {
  /** What stands first: the track's number on its disc, the cover of its album, or nothing. */
  lead?: "number" | "cover" | "none";
  /** The artist that the view names above, whose name the rows need not repeat. */
  knownArtist?: string | null;
  /** Whether the album is named. */
  hasAlbum?: boolean;
}

interface Props extends TrackRowLook {
  track: Track;
  onPlay: () => void;
}

/** One track of a list: who plays it, how long it is, its star and its menu. The whole row plays it. */
export function TrackRow({ track, onPlay, lead = "number", knownArtist, hasAlbum = false }: Props) {
  const isCurrent = current.value?.id === track.id;
  const hasArtists = track.artist !== knownArtist;
  return (
    <div class={`track-row${isCurrent ? " current" : ""}`} aria-current={isCurrent ? "true" : undefined}>
      <Lead track={track} lead={lead} isCurrent={isCurrent} />
      <div class="names">
        <button
          type="button"
          class="play one-line"
          aria-label={t("action.playItem", { title: track.title })}
          onClick={onPlay}
        >
          {track.title}
        </button>
        {isCurrent && (
          <span class="visually-hidden">{t(isPlaying.value ? "library.isCurrent" : "library.isPaused")}</span>
        )}
        {(hasArtists || hasAlbum) && (
          <p class="muted one-line">
            {hasArtists && <Artists track={track} />}
            {hasArtists && hasAlbum && track.album_id !== null && " · "}
            {hasAlbum && track.album_id !== null && <a href={address(`/albums/${track.album_id}`)}>{track.album}</a>}
          </p>
        )}
      </div>
      <span class="length muted">{clock(track.duration)}</span>
      <Star kind="track" id={track.id} title={track.title} />
      <ActionMenu label={t("library.menuOf", { title: track.title })} actions={() => trackActions(track)} />
    </div>
  );
}

/** The artists of a track, each a link. */
export function Artists({ track }: { track: Track }) {
  if (!track.artists.length) return <a href={address(`/artists/${track.artist_id}`)}>{track.artist}</a>;
  return (
    <>
      {track.artists.map(({ id, name }, place) => (
        <Fragment key={id}>
          {place > 0 && ", "}
          <a href={address(`/artists/${id}`)}>{name}</a>
        </Fragment>
      ))}
    </>
  );
}

function Lead({ track, lead, isCurrent }: { track: Track; lead: string; isCurrent: boolean }) {
  if (isCurrent && lead !== "cover") {
    return (
      <span class={`playing-mark${isPlaying.value ? " moving" : ""}`} aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
    );
  }
  if (lead === "number") return <span class="number muted">{track.track_no ?? ""}</span>;
  if (lead === "none") return <span class="number" />;
  return <Cover {...itemWithCover(track)} hasPicture title={track.album ?? track.title} size={160} />;
}
