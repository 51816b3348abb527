/** What the appliance could not save by now: the page keeps it and tries again. */
import { computed, signal } from "@preact/signals";
import type { ApiError } from "../api/client";

type What = "queue" | "plays";
const failures = signal<ReadonlyMap<What, ApiError>>(new Map());

/** Why something is not saved yet, as far as the appliance has said so; that it does not answer is told elsewhere. */
export const whyUnsaved = computed(() => [...failures.value.values()].find((error) => error.status !== 0));

/** Note what became of the last attempt to save something. */
export function noteSaved(what: What, error?: ApiError): void {
  if (!error && !failures.peek().has(what)) return;
  const others = [...failures.peek()].filter(([one]) => one !== what);
  failures.value = new Map(error ? [...others, [what, error]] : others);
}
