/** A radio without an end: it fills the queue with what sounds like something, as long as nothing else is played. */
import { effect, signal } from "@preact/signals";
import { get } from "../api/client";
import type { Track } from "../api/models";
import { tell } from "../components/tell";
import { t } from "../messages";
import { enqueue, play, queue } from "./player";
import { heardIn, isOfRadio, isShort } from "./radio_rules";

export interface Source {
  readonly kind: "track" | "album" | "artist" | "genre" | "tag";
  /** Of a sound tag its name. */
  readonly id: number | string;
  readonly title: string;
}

const TRACKS_PER_REQUEST = 20;
const MAX_HEARD_TRACKS = 300; // so many do not come again
const HEARD_IN_SMALL_LIBRARY = 5; // the same where all others were heard
const RETRY_MS = 15_000;

/** What the radio is like; undefined while none plays. */
export const radio = signal<Source | undefined>(undefined);
let keys = new Set<number>();
let isAsking = false;
let retryAt = 0;

/** Play a radio in place of the queue. A track is played first itself, if it is given. */
export async function startRadio(source: Source, track?: Track): Promise<void> {
  stopRadio();
  if (track) play([track]); // at once, while the browser knows of the click
  const tracks = await ask(source, track ? [track.id] : []);
  if (track) enqueue(tracks);
  else play(tracks);
  if (!tracks.length) return;
  keys = new Set(queue.peek().entries.map(({ key }) => key));
  radio.value = source;
  tell(t("radio.of", { title: source.title }));
}

/** What is in the queue stays there. */
export function stopRadio(): void {
  radio.value = undefined;
}

/** Ask for what a radio plays next. In a small library what was heard long ago comes again. */
async function ask({ kind, id }: Source, heard: readonly number[]): Promise<readonly Track[]> {
  for (const exclude of [heard, heard.slice(-HEARD_IN_SMALL_LIBRARY)]) {
    const query = { [kind === "tag" ? kind : `${kind}_id`]: id, limit: TRACKS_PER_REQUEST, exclude: [...exclude] };
    const { items } = await get("/api/radio", { query });
    if (items.length) return items;
  }
  return [];
}

async function fillUp(source: Source): Promise<void> {
  isAsking = true;
  try {
    const tracks = await ask(source, heardIn(queue.peek(), MAX_HEARD_TRACKS));
    if (radio.peek() !== source) return;
    enqueue(tracks);
    keys = new Set(queue.peek().entries.map(({ key }) => key));
  } catch {
    retryAt = Date.now() + RETRY_MS;
    tell(t("radio.failed"));
  } finally {
    isAsking = false;
  }
}

effect(() => {
  const source = radio.value;
  const now = queue.value;
  if (!source) return;
  if (!isOfRadio(now, keys))
    stopRadio(); // the listener plays something else
  else if (isShort(now) && !isAsking && Date.now() >= retryAt) void fillUp(source);
});
