import { useState } from "preact/hooks";
import { get, post, remove } from "../../api/client";
import type { JoinCode, RemoteWorker } from "../../api/models";
import { basePath } from "../../base_path";
import { Answered } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { Question } from "../../components/Question";
import { useAction } from "../../components/use_action";
import { useAnswer } from "../../components/use_answer";
import { day, dayAndTime, timeOfDay } from "../../format_machine";
import { t } from "../../messages";
import { ActionResult } from "./ActionResult";

/** The workers on other machines: which have joined, a code for another one, and the end of one. */
export function RemoteWorkers() {
  const asked = useAnswer((signal) => get("/api/workers", { signal }), []);
  const [made, setMade] = useState<{ code: JoinCode; at: number }>();
  const action = useAction();
  const make = () =>
    action.run(async () => setMade({ code: await post("/api/workers/join-codes"), at: Date.now() / 1000 }));
  return (
    <Panel title={t("workers.title")} isWide>
      <p class="muted">{t("workers.what")}</p>
      <Answered asked={asked}>
        {({ items }) =>
          items.length === 0 ? (
            <p>{t("workers.none")}</p>
          ) : (
            <ul class="rows">
              {items.map((worker) => (
                <Item key={worker.name} worker={worker} onRevoked={asked.retry} />
              ))}
            </ul>
          )
        }
      </Answered>
      <p class="actions">
        <button type="button" class="button" disabled={action.isRunning} onClick={make}>
          {t("workers.makeCode")}
        </button>
        <button type="button" class="button" onClick={asked.retry}>
          {t("workers.refresh")}
        </button>
      </p>
      <ActionResult action={action} />
      <div role="status">
        {made && (
          <section class="made">
            <p>{t("workers.made", { time: timeOfDay(made.at + made.code.lifetime_seconds) })}</p>
            <p>
              <code>{`soniquebay worker --join ${location.origin}${basePath} --code ${made.code.code}`}</code>
            </p>
          </section>
        )}
      </div>
    </Panel>
  );
}

function Item({ worker, onRevoked }: { worker: RemoteWorker; onRevoked: () => void }) {
  const action = useAction();
  const [isAsked, setAsked] = useState(false);
  const { name } = worker;
  async function revoke(): Promise<void> {
    setAsked(false);
    if (await action.run(() => remove("/api/workers/{name}", { path: { name } }))) onRevoked();
  }
  const facts = [
    presence(worker),
    t("workers.joined", { day: day(worker.joined_at) }),
    t("workers.analysed", { count: worker.analysed }),
    `SoniqueBay ${worker.version}`,
  ];
  return (
    <li>
      <div>
        <p>{name}</p>
        <p class="muted">{facts.join(" · ")}</p>
        {worker.suspended_at !== null && (
          <p class="warning">{t("workers.suspended", { time: dayAndTime(worker.suspended_at) })}</p>
        )}
        <ActionResult action={action} />
      </div>
      <button
        type="button"
        class="button"
        aria-label={t("workers.revokeOf", { name })}
        disabled={action.isRunning}
        onClick={() => setAsked(true)}
      >
        {t("workers.revoke")}
      </button>
      {isAsked && (
        <Question
          title={t("workers.question", { name })}
          text={t("workers.whatHappens")}
          action={t("workers.revoke")}
          onYes={revoke}
          onClose={() => setAsked(false)}
        />
      )}
    </li>
  );
}

function presence({ is_present, seen_at }: RemoteWorker): string {
  if (is_present) return t("workers.here");
  return seen_at === null ? t("workers.neverSeen") : t("workers.seen", { time: dayAndTime(seen_at) });
}
