/** The queue and its position are kept by the appliance, for a reload and for the listener's next device. */
import { effect, signal } from "@preact/signals";
import { asApiError, get, put } from "../api/client";
import { failureText, isRefused } from "../api/failure";
import type { Track } from "../api/models";
import { session } from "../api/session";
import { tell } from "../components/tell";
import { t } from "../messages";
import { current, isPlaying, position, queue, restore } from "./player";
import { Retry } from "./trouble";
import { noteSaved } from "./unsaved";

const SETTLED_MS = 1_000;
const INTERVAL_SECONDS = 15;
const PAGE_ENTRIES = 500;
const MAX_SAVED_ENTRIES = 2_000; // from some before the current one on; a request at the end of a page is limited
const SAVED_BEFORE = 100;
const CLIENT = "page";

/** Whether the saved queue could not be loaded by now. It is tried again until it is there, or something plays. */
export const isLoadDelayed = signal(false);

export function startSavedQueue(): void {
  if (!session.value?.user) return; // a guest keeps nothing
  const noteLoaded = keep();
  const retry = new Retry();
  const settle = () => {
    isLoadDelayed.value = false;
    retry.reset();
  };
  const attempt = () =>
    load().then(
      (saved) => {
        if (restore(saved.tracks, saved.position, saved.seconds)) noteLoaded();
        settle();
      },
      (error: unknown) => {
        const problem = asApiError(error);
        if (current.peek()) return settle();
        if (isRefused(problem)) {
          tell(failureText(problem));
          return settle();
        }
        if (!isLoadDelayed.peek()) tell(t("queue.loadDelayed"));
        isLoadDelayed.value = true;
        retry.after(attempt);
      },
    );
  void attempt();
}

async function load(): Promise<{ tracks: Track[]; position: number; seconds: number }> {
  const tracks: Track[] = [];
  let offset = 0;
  let start = 0;
  for (;;) {
    const part = await get("/api/queue", { query: { limit: PAGE_ENTRIES, offset } });
    for (const [i, entry] of part.items.entries()) {
      if (!entry.track || entry.is_missing) continue;
      if (offset + i < part.position) start++;
      tracks.push(entry.track);
    }
    offset += part.items.length;
    if (!part.items.length || offset >= part.total) {
      return { tracks, position: start, seconds: part.position_ms / 1000 };
    }
  }
}

/**
 * Save what changes: the queue at once, the position at times, and both when the page is left.
 * Call the function that this returns when the queue is as the appliance has it.
 */
function keep(): () => void {
  const retry = new Retry();
  let saved = snapshot();
  let timer = 0;
  const save = (keepalive = false) => {
    window.clearTimeout(timer);
    const now = snapshot();
    if (now.queue === saved.queue && Math.abs(now.seconds - saved.seconds) < 1) return;
    const before = saved;
    saved = now;
    send(keepalive).then(
      () => {
        noteSaved("queue");
        retry.reset();
      },
      (error: unknown) => {
        const problem = asApiError(error);
        if (saved === now) saved = before;
        if (isRefused(problem)) return; // the next change may be accepted
        noteSaved("queue", problem);
        retry.after(() => save());
      },
    );
  };
  effect(() => {
    queue.value;
    isPlaying.value;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => save(), SETTLED_MS);
  });
  effect(() => {
    if (isPlaying.value && Math.abs(position.value - saved.seconds) >= INTERVAL_SECONDS) save();
  });
  window.addEventListener("pagehide", () => save(true));
  return () => {
    saved = snapshot();
  };
}

function snapshot() {
  return { queue: queue.peek(), seconds: position.peek() };
}

async function send(keepalive: boolean): Promise<void> {
  const { entries, position: index } = queue.peek();
  const first = entries.length > MAX_SAVED_ENTRIES ? Math.max(index - SAVED_BEFORE, 0) : 0;
  const kept = entries.slice(first, first + MAX_SAVED_ENTRIES);
  const position_ms = current.peek() ? Math.round(1000 * position.peek()) : 0;
  const track_ids = kept.map((entry) => entry.track.id);
  await put("/api/queue", { body: { track_ids, position: index - first, position_ms, client: CLIENT }, keepalive });
}
