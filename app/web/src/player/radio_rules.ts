/** When a radio fills up the queue, and with what in mind. Nothing here plays. */
import type { Queue } from "./queue";

/** Fewer tracks behind the current one are filled up. */
export const MIN_AHEAD_TRACKS = 5;

/** Tell whether the queue still has what the radio put into it, by the keys of its entries. */
export function isOfRadio({ entries }: Queue, keys: ReadonlySet<number>): boolean {
  return entries.some(({ key }) => keys.has(key));
}

/** Tell whether the queue has to be filled up. */
export function isShort({ entries, position }: Queue): boolean {
  return entries.length - position - 1 < MIN_AHEAD_TRACKS;
}

/** Return the ids of the last tracks of the queue, the last one at the end: the next ones follow it. */
export function heardIn({ entries }: Queue, most: number): number[] {
  return entries.slice(-most).map(({ track }) => track.id);
}
