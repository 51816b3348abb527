/** What the player asks of a track beside its stream: ReplayGain, and the silence at its ends. */
import { get } from "../api/client";
import type { FullTrack } from "../api/models";

export type TrackFacts = Pick<FullTrack, "replay_gain" | "loudness">;

const UNKNOWN: TrackFacts = { replay_gain: {}, loudness: null };
const MAX_KNOWN = 100;
const asked = new Map<number, Promise<TrackFacts>>();

/** Return them, asked once for each track; without an answer nothing is known, and the music goes on. */
export async function factsOf(track_id: number): Promise<TrackFacts> {
  const before = asked.get(track_id);
  if (before) return before;
  if (asked.size >= MAX_KNOWN) asked.clear();
  const answer = get("/api/tracks/{track_id}", { path: { track_id } }).catch(() => {
    asked.delete(track_id);
    return UNKNOWN;
  });
  asked.set(track_id, answer);
  return answer;
}
