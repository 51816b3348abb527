/** What the page tells by itself, such as that a track is skipped. It is shown for a while, and read aloud. */
import { signal } from "@preact/signals";

interface Link {
  label: string;
  href: string;
}

const SHOWN_MS = 8_000;
export const told = signal<{ text: string; link: Link | undefined } | undefined>(undefined);
let timer = 0;

/** Show a text, with a link to what it is about if there is one. */
export function tell(text: string, link?: Link): void {
  told.value = { text, link };
  window.clearTimeout(timer);
  timer = window.setTimeout(hide, SHOWN_MS);
}

export function hide(): void {
  told.value = undefined;
}
