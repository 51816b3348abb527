import { ErrorNotice } from "../../components/Notice";
import type { Action } from "../../components/use_action";

/** What became of an action: why it failed, or that it is done. */
export function ActionResult({ action, done }: { action: Action; done?: string }) {
  if (action.error) return <ErrorNotice error={action.error} />;
  return done === undefined ? null : (
    <p class="done" role="status">
      {action.isDone && done}
    </p>
  );
}
