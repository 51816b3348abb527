import { useEffect } from "preact/hooks";
import type { Track } from "../api/models";
import { loadStars } from "../api/stars";
import { play } from "../player/player";
import { TrackRow, type TrackRowLook } from "./TrackRow";

interface Props extends TrackRowLook {
  tracks: readonly Track[];
  /** What a screen reader calls the list. */
  label: string;
  /** What plays from a row on, if it is more than the list: the other discs, too. */
  playable?: readonly Track[];
}

/** Tracks one below the other. A row plays the list from there. */
export function TrackList({ tracks, label, playable = tracks, ...look }: Props) {
  useEffect(() => {
    loadStars(
      "track",
      tracks.map((track) => track.id),
    );
  }, [tracks]);
  return (
    <ol class="track-list" aria-label={label}>
      {tracks.map((track) => (
        <li key={track.id}>
          <TrackRow {...look} track={track} onPlay={() => play(playable, playable.indexOf(track))} />
        </li>
      ))}
    </ol>
  );
}
