/** What the page tells by itself, such as that a track is skipped. It is shown for a while, and read aloud. */
import { signal } from "@preact/signals";

const SHOWN_MS = 8_000;
export const told = signal("");
let timer = 0;

export function tell(text: string): void {
  told.value = text;
  window.clearTimeout(timer);
  timer = window.setTimeout(() => {
    told.value = "";
  }, SHOWN_MS);
}
