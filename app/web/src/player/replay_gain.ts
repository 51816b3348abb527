/**
 * ReplayGain, by the volume of the audio element. The API can apply it, too, but has to transcode each track for that;
 * this way the appliance sends files as they are. Where a browser fixes the volume (iOS), it has no effect.
 */
import { get } from "../api/client";
import type { ReplayGain, Track } from "../api/models";
import { replayGain } from "./settings";
import { gainFactor } from "./sound";

const MAX_KNOWN = 100;
const known = new Map<number, ReplayGain>();
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
  return gainFactor(await gainsOf(track.id), kind);
}

async function gainsOf(track_id: number): Promise<ReplayGain> {
  const before = known.get(track_id);
  if (before) return before;
  try {
    const { replay_gain } = await get("/api/tracks/{track_id}", { path: { track_id } });
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(track_id, replay_gain);
    return replay_gain;
  } catch {
    return {}; // the music goes on without
  }
}
