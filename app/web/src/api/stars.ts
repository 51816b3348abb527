/** The listener's stars of tracks, albums and artists. Each is asked for once, however often it is shown. */
import { signal } from "@preact/signals";
import { tell } from "../components/tell";
import { asApiError, get, put, remove } from "./client";
import { failureText } from "./failure";
import { session } from "./session";

export type StarKind = "track" | "album" | "artist";
const COLLECT_MS = 10;
const MAX_IDS = 200; // of one request: they are in its address

/** By kind and id. What is not there is not known yet. */
const known = signal<ReadonlyMap<string, boolean>>(new Map());
const asked = new Set<string>();
const awaited: Record<StarKind, number[]> = { track: [], album: [], artist: [] };
let timer: ReturnType<typeof setTimeout> | undefined;

export function isStarred(kind: StarKind, id: number): boolean {
  return known.value.get(keyOf(kind, id)) ?? false;
}

/** Have the stars that are not known yet asked for: those of all rows of a list together. Guests have none. */
export function loadStars(kind: StarKind, ids: readonly number[]): void {
  if (!session.value?.user) return;
  for (const id of ids) {
    if (asked.has(keyOf(kind, id))) continue;
    asked.add(keyOf(kind, id));
    awaited[kind].push(id);
  }
  if (!timer) timer = setTimeout(askAll, COLLECT_MS);
}

function askAll(): void {
  timer = undefined;
  for (const kind of ["track", "album", "artist"] as const) {
    const ids = awaited[kind].splice(0);
    for (let start = 0; start < ids.length; start += MAX_IDS) void ask(kind, ids.slice(start, start + MAX_IDS));
  }
}

async function ask(kind: StarKind, ids: readonly number[]): Promise<void> {
  try {
    const { items } = await get("/api/marks/{kind}/by-id", { path: { kind }, query: { id: [...ids] } });
    note(ids.map((id) => [keyOf(kind, id), items[String(id)]?.starred_at != null]));
  } catch {
    // Without them all stars look empty, and nothing else is wrong. They are asked for when they are shown again.
    for (const id of ids) asked.delete(keyOf(kind, id));
  }
}

/** Give a star or take it away. A failure is told, and the star is as before. */
export async function toggleStar(kind: StarKind, id: number): Promise<void> {
  const before = isStarred(kind, id);
  asked.add(keyOf(kind, id));
  note([[keyOf(kind, id), !before]]);
  try {
    const path = { kind, item_id: id };
    if (before) await remove("/api/stars/{kind}/{item_id}", { path });
    else await put("/api/stars/{kind}/{item_id}", { path });
  } catch (error) {
    note([[keyOf(kind, id), before]]);
    tell(failureText(asApiError(error)));
  }
}

function note(found: readonly (readonly [string, boolean])[]): void {
  known.value = new Map([...known.value, ...found]);
}

function keyOf(kind: StarKind, id: number): string {
  return `${kind} ${id}`;
}
