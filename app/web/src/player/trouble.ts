/** Why a stream does not play. */
import { effect, untracked } from "@preact/signals";
import { isConnected } from "../api/live";
import { leadToSignIn } from "../api/session";

/** `unplayable`: this track never plays; `drive`: its drive is away; `later`: the appliance is busy, or away. */
export type Cause = "unplayable" | "drive" | "later";

const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 15_000;

/** Ask the appliance for a stream's headers, because an audio element does not tell why it fails. */
export async function causeOf(url: string): Promise<Cause> {
  let status = 0;
  let isBusy = false;
  try {
    const answer = await fetch(url, { method: "HEAD" });
    status = answer.status;
    isBusy = answer.headers.has("Retry-After");
  } catch {
    // No answer: the network is away.
  }
  if (status === 401) leadToSignIn();
  if (status === 503 && !isBusy) return "drive";
  return status === 0 || status === 401 || status === 429 || status >= 500 ? "later" : "unplayable";
}

/** Tries something again after a while that grows, and as soon as the browser has a network or the appliance answers. */
export class Retry {
  private waitMs = FIRST_WAIT_MS;
  private timer = 0;
  private action: (() => void) | undefined;

  constructor() {
    window.addEventListener("online", () => this.run());
    effect(() => {
      if (isConnected.value) untracked(() => this.run());
    });
  }

  after(action: () => void): void {
    this.cancel();
    this.action = action;
    this.timer = window.setTimeout(() => this.run(), this.waitMs);
    this.waitMs = Math.min(2 * this.waitMs, MAX_WAIT_MS);
  }

  cancel(): void {
    window.clearTimeout(this.timer);
    this.action = undefined;
  }

  /** Begin with the shortest wait again. */
  reset(): void {
    this.cancel();
    this.waitMs = FIRST_WAIT_MS;
  }

  private run(): void {
    const { action } = this;
    this.cancel();
    action?.();
  }
}
