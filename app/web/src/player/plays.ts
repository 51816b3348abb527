/** Tells the appliance what was heard: half of a track, or four minutes of it. */
import { effect } from "@preact/signals";
import { asApiError, post } from "../api/client";
import { isRefused } from "../api/failure";
import { session } from "../api/session";
import { current, duration, isPlaying, position, turn } from "./player";
import { Retry } from "./trouble";
import { noteSaved } from "./unsaved";

export const MAX_NEEDED_SECONDS = 240;
const MAX_STEP_SECONDS = 2; // what is longer between two positions is a jump, and was not heard
const MAX_UNSENT = 100;
const CLIENT = "page";
let unsent: { track_id: number; played_at: number; client: string }[] = [];

/** Counts the seconds that were heard of one track. */
export class Hearing {
  private last: number | undefined;
  private heard = 0;
  private isTold = false;

  constructor(private readonly neededSeconds: number) {}

  /** Take a position in seconds, and tell once that enough was heard. */
  isEnoughAt(seconds: number): boolean {
    const step = this.last === undefined ? 0 : seconds - this.last;
    this.last = seconds;
    if (step > 0 && step <= MAX_STEP_SECONDS) this.heard += step;
    if (this.isTold || this.heard < this.neededSeconds) return false;
    this.isTold = true;
    return true;
  }
}

let retry: Retry;

export function startPlays(): void {
  if (!session.value?.user) return; // a guest keeps nothing
  retry = new Retry();
  let hearing = new Hearing(0);
  let began = 0;
  let heardTurn = -1;
  effect(() => {
    const seconds = position.value;
    const track = current.value;
    if (!track || !isPlaying.value) return;
    if (heardTurn !== turn.value) {
      heardTurn = turn.value;
      hearing = new Hearing(Math.min(duration.peek() / 2, MAX_NEEDED_SECONDS));
      began = Date.now() / 1000;
    }
    if (!hearing.isEnoughAt(seconds)) return;
    unsent = [...unsent, { track_id: track.id, played_at: began, client: CLIENT }].slice(-MAX_UNSENT);
    void send();
  });
}

/** Send what was heard, and try again until all of it is saved; sent twice it counts once. */
async function send(): Promise<void> {
  for (const play of unsent) {
    try {
      await post("/api/plays", { body: play });
    } catch (error) {
      const problem = asApiError(error);
      if (!isRefused(problem)) {
        noteSaved("plays", problem);
        retry.after(() => void send());
        return;
      }
    }
    unsent = unsent.filter((one) => one !== play);
  }
  noteSaved("plays");
  retry.reset();
}
