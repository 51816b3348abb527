/** What plays, and what plays next. Views use these functions; `queue.ts` decides the order. */
import { signal } from "@preact/signals";
import type { Track } from "../api/models";

/** The track that plays or is paused; undefined while the queue is empty. */
export const current = signal<Track | undefined>(undefined);
export const isPlaying = signal(false);

/** Play tracks in place of the queue, beginning with the one at `start`. */
export function play(tracks: readonly Track[], start = 0): void {
  current.value = tracks[start];
}

/** Play tracks right after the current one. */
export function playNext(tracks: readonly Track[]): void {
  if (!current.value) play(tracks);
}

/** Add tracks to the end of the queue. */
export function enqueue(tracks: readonly Track[]): void {
  if (!current.value) play(tracks);
}
