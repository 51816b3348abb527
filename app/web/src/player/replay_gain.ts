/**
 * ReplayGain, by the volume of the audio element. The API can apply it, too, but has to transcode each track for that;
 * this way the appliance sends files as they are. Where a browser fixes the volume (iOS), it has no effect.
 */
import type { Track } from "../api/models";
import { replayGain } from "./settings";
import { gainFactor } from "./sound";
import { factsOf } from "./track_facts";

let isAlbumQueue = (): boolean => false;

/** Have the player tell whether the queue is one album. */
export function onAskedForAlbum(answer: () => boolean): void {
  isAlbumQueue = answer;
}

/** Return the factor of a track's volume; 1 where nothing is known of it. */
export async function gainOf(track: Track): Promise<number> {
  const chosen = replayGain.peek();
  if (chosen === "off") return 1;
  const kind = chosen === "auto" ? (isAlbumQueue() ? "album" : "track") : chosen;
  return gainFactor((await factsOf(track.id)).replay_gain, kind);
}
