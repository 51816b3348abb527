/** Which tracks the listener is about to add to a playlist. */
import { signal } from "@preact/signals";
import type { Track } from "../api/models";

/** None: nothing is asked. */
export const tracksToAdd = signal<readonly Track[]>([]);

/** Ask to which playlist tracks are to be added. */
export function addToPlaylist(tracks: readonly Track[]): void {
  tracksToAdd.value = tracks;
}
