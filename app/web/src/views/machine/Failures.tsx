import { get } from "../../api/client";
import { scanProgress } from "../../api/live";
import type { Failure } from "../../api/models";
import { Answered } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { useAnswer } from "../../components/use_answer";
import { t } from "../../messages";
import { hintOf } from "./failure_hint";

const SHOWN_FAILURES = 100;

/** What the last scan could not read, why, and what to do about it. */
export function Failures() {
  const progress = scanProgress.value;
  const asked = useAnswer(loadFailures, [progress?.session_id, progress?.failures]);
  return (
    <Panel title={t("machine.failures")} isWide>
      <Answered asked={asked}>
        {({ items, total }) =>
          total ? (
            <>
              <p class="muted">{t("count.failures", { count: total })}</p>
              <ul class="failures">
                {items.map((failure) => (
                  <Item key={failure.path} failure={failure} />
                ))}
              </ul>
              {total > items.length && (
                <p class="muted">{t("machine.moreFailures", { count: total - items.length })}</p>
              )}
            </>
          ) : (
            <p class="muted">{t("machine.noFailures")}</p>
          )
        }
      </Answered>
    </Panel>
  );
}

function Item({ failure }: { failure: Failure }) {
  return (
    <li>
      <span class="path">{failure.path}</span>
      <span>{failure.reason}</span>
      <span class="muted">{t(hintOf(failure.reason))}</span>
    </li>
  );
}

async function loadFailures(signal: AbortSignal): Promise<{ items: readonly Failure[]; total: number }> {
  const sessions = await get("/api/scan-sessions", { query: { limit: 1 }, signal });
  const last = sessions.items[0];
  if (!last) return { items: [], total: 0 };
  const path = { session_id: last.id };
  return get("/api/scan-sessions/{session_id}/failures", { path, query: { limit: SHOWN_FAILURES }, signal });
}
