/** Where each view was scrolled to. The content scrolls and not the window, so the browser does not restore it. */

import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";

const RESTORE_MS = 3_000;
const USER_EVENTS = ["wheel", "touchstart", "keydown", "pointerdown"] as const;
const positions = new Map<string, number>();

/** Tell whether a link led to the view that is shown, and not Back or Forward. */
export function useWasPush(): boolean {
  // preact-iso has it, but not in its types.
  return (useLocation() as ReturnType<typeof useLocation> & { wasPush: boolean }).wasPush;
}

/** Return what to call when another view is shown: it begins at its top, and after Back where it was left. */
export function useScrollMemory(): (url: string) => void {
  const wasPush = useWasPush();
  useEffect(() => {
    const scroller = content();
    const note = () => positions.set(here(), scroller.scrollTop);
    scroller.addEventListener("scroll", note, { passive: true });
    return () => scroller.removeEventListener("scroll", note);
  }, []);
  return (url) => {
    if (wasPush) content().scrollTop = 0;
    else restore(positions.get(url) ?? 0);
  };
}

/** Scroll as soon as the content is long enough, unless the listener has scrolled meanwhile. */
function restore(position: number): void {
  const scroller = content();
  const until = performance.now() + RESTORE_MS;
  let isStopped = false;
  const stop = () => {
    isStopped = true;
    for (const name of USER_EVENTS) scroller.removeEventListener(name, stop);
  };
  for (const name of USER_EVENTS) scroller.addEventListener(name, stop, { passive: true });
  const attempt = () => {
    if (isStopped) return;
    scroller.scrollTop = position;
    if (scroller.scrollTop >= position - 1 || performance.now() > until) stop();
    else requestAnimationFrame(attempt);
  };
  attempt();
}

function here(): string {
  return location.pathname + location.search;
}

function content(): HTMLElement {
  return document.getElementById("content") as HTMLElement;
}
