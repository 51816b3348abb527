/** Keys that work everywhere on the page. */
import { signal } from "@preact/signals";
import { next, previous, toggle } from "./player";

/** Whether the list of the keys is open. */
export const areShortcutsShown = signal(false);

const FIELDS = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";

export function startShortcuts(): void {
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.altKey ||
      event.metaKey ||
      target.closest(`${FIELDS}, dialog`)
    ) {
      return;
    }
    const action = actionOf(event, target);
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function actionOf(event: KeyboardEvent, target: Element): (() => void) | undefined {
  if (event.key === "?") {
    return () => {
      areShortcutsShown.value = true;
    };
  }
  if (event.shiftKey && event.key === "ArrowRight") return next;
  if (event.shiftKey && event.key === "ArrowLeft") return previous;
  // A key that is held down, and one that presses the button in focus, mean something else.
  const presses = target.closest("button, summary, input");
  if (event.key === " " && !event.shiftKey && !event.repeat && (!presses || presses.matches("[type=range]")))
    return toggle;
  return undefined;
}
