/** Tracks by their ids. */
import { get } from "./client";
import type { Track } from "./models";

const TRACKS_PER_REQUEST = 200;
const MAX_REQUESTS_AT_ONCE = 3;
const MAX_KEPT = 500;
const kept = new Map<number, Track>();

/** Return tracks in the order of their ids. Those that are no longer there are left out. */
export async function loadTracks(ids: readonly number[], signal?: AbortSignal): Promise<Track[]> {
  const parts: number[][] = [];
  for (let start = 0; start < ids.length; start += TRACKS_PER_REQUEST) {
    parts.push(ids.slice(start, start + TRACKS_PER_REQUEST));
  }
  const found: Track[] = [];
  for (let start = 0; start < parts.length; start += MAX_REQUESTS_AT_ONCE) {
    const answers = await Promise.all(
      parts
        .slice(start, start + MAX_REQUESTS_AT_ONCE)
        .map((id) => get("/api/map/tracks", { query: { id }, ...(signal && { signal }) })),
    );
    found.push(...answers.flatMap(({ items }) => items));
  }
  return found;
}

/** Return one track, from those that were shown before if it is there. */
export async function loadTrack(id: number, signal: AbortSignal): Promise<Track | undefined> {
  const known = kept.get(id);
  if (known) return known;
  const [track] = await loadTracks([id], signal);
  if (track) kept.set(id, track);
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value as number);
  return track;
}
