import { useState } from "preact/hooks";
import { type ApiError, asApiError } from "../api/client";

/** The state of something that a person has asked for: running, done, or failed. */
export interface Action {
  isRunning: boolean;
  isDone: boolean;
  error?: ApiError;
  /** Do it; what was said of the last time is forgotten. Returns whether it succeeded. */
  run: (what: () => Promise<unknown>) => Promise<boolean>;
}

export function useAction(): Action {
  const [state, setState] = useState<{ isRunning: boolean; isDone: boolean; error?: ApiError }>({
    isRunning: false,
    isDone: false,
  });
  async function run(what: () => Promise<unknown>): Promise<boolean> {
    setState({ isRunning: true, isDone: false });
    try {
      await what();
      setState({ isRunning: false, isDone: true });
      return true;
    } catch (problem) {
      setState({ isRunning: false, isDone: false, error: asApiError(problem) });
      return false;
    }
  }
  return { ...state, run };
}

/** Return what was typed into the fields of a form, by their names. */
export function typedIn(event: Event): Record<string, string> {
  event.preventDefault();
  const data = new FormData(event.currentTarget as HTMLFormElement);
  return Object.fromEntries([...data].map(([name, value]) => [name, String(value)]));
}
