/** The queue: which tracks play, in which order. Nothing here plays, and no function changes what it is given. */
import type { Track } from "../api/models";

/** A track at a place of the queue. One track may be several entries. */
export interface Entry {
  readonly key: number;
  readonly track: Track;
}

export type Repeat = "off" | "all" | "one";

export interface Queue {
  /** In the order in which they play. */
  readonly entries: readonly Entry[];
  /** Index of the current entry; 0 in an empty queue. */
  readonly position: number;
  /** The order to which `unshuffled` returns; undefined while nothing is shuffled. */
  readonly original?: readonly Entry[];
}

/** Playing for longer than this, "previous" begins the same track again. */
export const RESTART_AFTER_SECONDS = 3;
export const EMPTY: Queue = { entries: [], position: 0 };

let lastKey = 0;

function asEntries(tracks: readonly Track[]): Entry[] {
  return tracks.map((track) => ({ key: ++lastKey, track }));
}

/** Return a queue of tracks that plays the one at `start`. */
export function queueOf(tracks: readonly Track[], start = 0): Queue {
  const position = Math.min(Math.max(Math.trunc(start) || 0, 0), Math.max(tracks.length - 1, 0));
  return { entries: asEntries(tracks), position };
}

export function currentOf(queue: Queue): Entry | undefined {
  return queue.entries[queue.position];
}

/** Return the index of what plays after the current entry; undefined at the end. */
export function nextIndex(queue: Queue, repeat: Repeat, isByListener: boolean): number | undefined {
  if (!queue.entries.length) return undefined;
  if (repeat === "one" && !isByListener) return queue.position;
  if (queue.position + 1 < queue.entries.length) return queue.position + 1;
  return repeat === "all" ? 0 : undefined;
}

/** Return the index of what "previous" plays after so many seconds of the current entry. */
export function previousIndex(queue: Queue, repeat: Repeat, seconds: number): number {
  if (seconds > RESTART_AFTER_SECONDS) return queue.position;
  if (queue.position > 0) return queue.position - 1;
  return repeat === "all" ? Math.max(queue.entries.length - 1, 0) : 0;
}

export function at(queue: Queue, position: number): Queue {
  return { ...queue, position };
}

/** Add tracks right after the current entry. */
export function withNext(queue: Queue, tracks: readonly Track[]): Queue {
  const added = asEntries(tracks);
  const current = currentOf(queue);
  const entries = queue.entries.toSpliced(queue.position + 1, 0, ...added);
  if (!queue.original) return { ...queue, entries };
  const place = current ? queue.original.indexOf(current) + 1 : 0;
  return { ...queue, entries, original: queue.original.toSpliced(place, 0, ...added) };
}

/** Add tracks at the end. */
export function withLast(queue: Queue, tracks: readonly Track[]): Queue {
  const added = asEntries(tracks);
  const entries = [...queue.entries, ...added];
  return queue.original ? { ...queue, entries, original: [...queue.original, ...added] } : { ...queue, entries };
}

/** Remove the entry at an index. Where it was the current one, the entry behind it is that now. */
export function without(queue: Queue, index: number): Queue {
  const removed = queue.entries[index];
  if (!removed) return queue;
  const entries = queue.entries.toSpliced(index, 1);
  const position =
    index < queue.position ? queue.position - 1 : Math.min(queue.position, Math.max(entries.length - 1, 0));
  if (!queue.original) return { entries, position };
  return { entries, position, original: queue.original.filter((entry) => entry !== removed) };
}

/** Keep the current entry alone. */
export function withoutOthers(queue: Queue): Queue {
  const current = currentOf(queue);
  return current ? { entries: [current], position: 0 } : EMPTY;
}

/** Move an entry from one index to another. The current entry stays the current one. */
export function moved(queue: Queue, from: number, to: number): Queue {
  const entry = queue.entries[from];
  const current = currentOf(queue);
  if (!entry || !current || !queue.entries[to]) return queue;
  const entries = queue.entries.toSpliced(from, 1).toSpliced(to, 0, entry);
  return { ...queue, entries, position: entries.indexOf(current) };
}

/** Shuffle all entries. The current one comes first; the same seed gives the same order. */
export function shuffled(queue: Queue, seed: number): Queue {
  const current = currentOf(queue);
  if (!current) return queue;
  const others = queue.entries.filter((entry) => entry !== current);
  const random = randomOf(seed);
  for (let i = others.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [others[i], others[j]] = [others[j] as Entry, others[i] as Entry];
  }
  return { entries: [current, ...others], position: 0, original: queue.original ?? queue.entries };
}

/** Return to the order before `shuffled`. */
export function unshuffled(queue: Queue): Queue {
  const current = currentOf(queue);
  if (!queue.original || !current) return queue;
  return { entries: queue.original, position: queue.original.indexOf(current) };
}

/** Tell whether all entries are of one album. */
export function isOneAlbum(queue: Queue): boolean {
  const album = queue.entries[0]?.track.album_id;
  return album != null && queue.entries.every((entry) => entry.track.album_id === album);
}

/** Return a generator of numbers from 0 to 1 (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
