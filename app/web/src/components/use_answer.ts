import { useEffect, useState } from "preact/hooks";
import { type ApiError, asApiError } from "../api/client";
import { isConnected } from "../api/live";

/** The state of a request: still asked for, answered, or failed. */
export interface Asked<T> {
  answer?: T;
  error?: ApiError;
  isLoading: boolean;
  /** Ask again. */
  retry: () => void;
}

/**
 * Ask the API when a view appears and whenever one of `inputs` changes. What was answered before stays until the new
 * answer has come, so a view does not flicker. What had no answer at all is asked again once the appliance is back.
 */
export function useAnswer<T>(ask: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Asked<T> {
  const [state, setState] = useState<{ answer?: T; error?: ApiError; isLoading: boolean }>({ isLoading: true });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    ask(abort.signal).then(
      (answer) => !abort.signal.aborted && setState({ answer, isLoading: false }),
      (error: unknown) => !abort.signal.aborted && setState({ error: asApiError(error), isLoading: false }),
    );
    return () => abort.abort();
  }, [...inputs, attempt]);
  const retry = () => setAttempt((before) => before + 1);
  const isUnanswered = state.error?.status === 0;
  useEffect(() => {
    if (!isUnanswered) return undefined;
    let wasAway = false;
    return isConnected.subscribe((isBack) => {
      if (isBack && wasAway) retry();
      wasAway = !isBack;
    });
  }, [isUnanswered]);
  return { ...state, retry };
}
