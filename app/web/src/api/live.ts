/** The one stream of events (SSE) from the appliance. Every part of the page that is live listens to this one. */
import { signal } from "@preact/signals";
import { address } from "../base_path";
import type { Machine, Progress } from "./models";

/** Progress of the last scan; undefined until an event has come. */
export const scanProgress = signal<Progress | undefined>(undefined);
/** The state of the machine, while a view watches it; undefined until an event has come. */
export const machine = signal<Machine | undefined>(undefined);
/** Whether the stream is open. It is closed while the appliance restarts. */
export const isConnected = signal(true);

const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 30_000;
let source: EventSource | undefined;
let waitMs = FIRST_WAIT_MS;
let retry = 0;
let machineWatchers = 0;

/** Watch the machine, which only managers may, until the function that this returns is called. */
export function watchMachine(): () => void {
  machineWatchers += 1;
  if (machineWatchers === 1) connect();
  return () => {
    machineWatchers -= 1;
    if (machineWatchers === 0) {
      machine.value = undefined;
      connect();
    }
  };
}

/** Open the stream, and open it again whenever it ends. */
export function connect(): void {
  source?.close();
  clearTimeout(retry);
  source = new EventSource(address(machineWatchers ? "/api/events?machine=true" : "/api/events"));
  source.onopen = () => {
    isConnected.value = true;
    waitMs = FIRST_WAIT_MS;
  };
  source.addEventListener("scan", (event) => {
    scanProgress.value = JSON.parse((event as MessageEvent<string>).data) as Progress;
  });
  source.addEventListener("machine", (event) => {
    machine.value = JSON.parse((event as MessageEvent<string>).data) as Machine;
  });
  source.onerror = () => {
    isConnected.value = false;
    // The browser tries again by itself after a cut connection, but not after an answer such as 503.
    if (source?.readyState === EventSource.CLOSED) {
      retry = window.setTimeout(connect, waitMs);
      waitMs = Math.min(2 * waitMs, MAX_WAIT_MS);
    }
  };
}
