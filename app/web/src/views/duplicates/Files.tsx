import type { Duplicates, DuplicateTrack } from "../../api/models";
import { address } from "../../base_path";
import { Dialog } from "../../components/Dialog";
import { Icon } from "../../components/Icon";
import { Artists } from "../../components/TrackRow";
import { clock } from "../../format";
import { bytes } from "../../format_machine";
import { t } from "../../messages";
import { play } from "../../player/player";

/** The files of one recording, with what tells them apart. Each can be heard. */
export function Files({ group, onClose }: { group: Duplicates; onClose: () => void }) {
  return (
    <Dialog title={group.tracks[0]?.title ?? t("duplicates.title")} onClose={onClose}>
      <ul class="duplicate-files">
        {group.tracks.map((track) => (
          <li key={track.id}>
            <File track={track} />
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function File({ track }: { track: DuplicateTrack }) {
  return (
    <>
      <button
        type="button"
        class="icon-button"
        aria-label={t("action.playItem", { title: `${track.title} (${track.format})` })}
        onClick={() => play([track], 0)}
      >
        <Icon name="play" />
      </button>
      <div>
        <p class="format">{factsOf(track)}</p>
        <p>
          {track.title} · <Artists track={track} />
          {track.album_id !== null && (
            <>
              {" · "}
              <a href={address(`/albums/${track.album_id}`)}>{track.album}</a>
            </>
          )}
        </p>
        <p class="muted path">{track.path}</p>
      </div>
    </>
  );
}

function factsOf(track: DuplicateTrack): string {
  const { bit_rate: rate } = track.sound;
  return [
    track.format,
    ...(rate ? [t("duplicates.bitRate", { rate: Math.round(rate / 1000) })] : []),
    bytes(track.size),
    clock(track.duration),
    ...(track.part ? [t("duplicates.part", { part: track.part })] : []),
  ].join(" · ");
}
