import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, asApiError, get } from "../../api/client";
import type { Updates } from "../../api/models";

const INTERVAL_MS = 30_000;
const BUSY_INTERVAL_MS = 2_000; // while a release is being installed

export interface Watched {
  state: Updates | undefined;
  /** Why the last question has no answer. What was answered before stays. */
  error: ApiError | undefined;
  /** The version that ran when the view appeared: the page belongs to it. */
  first: string | undefined;
  /** Whether a release was being installed since the view appeared. */
  wasInstalling: boolean;
  /** Ask again now, or take an answer that came otherwise. */
  refresh: (known?: Updates) => void;
}

/** Follow what is offered and installed. It goes on through the restart of the appliance. */
export function useUpdates(): Watched {
  const [state, setState] = useState<Updates>();
  const [error, setError] = useState<ApiError>();
  const [turn, setTurn] = useState(0);
  const first = useRef<string | undefined>(undefined);
  const wasInstalling = useRef(false);
  function take(answer: Updates): void {
    first.current ??= answer.version;
    wasInstalling.current ||= answer.installing !== null;
    setState(answer);
    setError(undefined);
  }
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    function wait(isBusy: boolean): void {
      if (!abort.signal.aborted) timer = window.setTimeout(ask, isBusy ? BUSY_INTERVAL_MS : INTERVAL_MS);
    }
    async function ask(): Promise<void> {
      try {
        const answer = await get("/api/updates", { signal: abort.signal });
        if (abort.signal.aborted) return;
        take(answer);
        wait(answer.installing !== null);
      } catch (problem) {
        if (abort.signal.aborted) return;
        setError(asApiError(problem));
        wait(true);
      }
    }
    ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [turn]);
  function refresh(known?: Updates): void {
    if (known) take(known);
    setTurn((before) => before + 1);
  }
  return { state, error, first: first.current, wasInstalling: wasInstalling.current, refresh };
}
