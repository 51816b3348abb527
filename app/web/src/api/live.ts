/** The one stream of events (SSE) from the appliance. Every part of the page that is live listens to this one. */
import { signal } from "@preact/signals";
import { address } from "../base_path";
import type { Progress } from "./models";

/** Progress of the last scan; undefined until an event has come. */
export const scanProgress = signal<Progress | undefined>(undefined);
/** Whether the stream is open. It is closed while the appliance restarts. */
export const isConnected = signal(true);

const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 30_000;
let source: EventSource | undefined;
let waitMs = FIRST_WAIT_MS;

/** Open the stream, and open it again whenever it ends. */
export function connect(): void {
  source?.close();
  source = new EventSource(address("/api/events"));
  source.onopen = () => {
    isConnected.value = true;
    waitMs = FIRST_WAIT_MS;
  };
  source.addEventListener("scan", (event) => {
    scanProgress.value = JSON.parse((event as MessageEvent<string>).data) as Progress;
  });
  source.onerror = () => {
    isConnected.value = false;
    // The browser tries again by itself after a cut connection, but not after an answer such as 503.
    if (source?.readyState === EventSource.CLOSED) {
      setTimeout(connect, waitMs);
      waitMs = Math.min(2 * waitMs, MAX_WAIT_MS);
    }
  };
}
