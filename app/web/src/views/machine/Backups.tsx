import { useEffect } from "preact/hooks";
import { get, post } from "../../api/client";
import type { BackupState, Backups as State } from "../../api/models";
import { Answered, ErrorNotice } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { useAction } from "../../components/use_action";
import { useAnswer } from "../../components/use_answer";
import { bytes, dayAndTime } from "../../format_machine";
import { t } from "../../messages";

const POLL_MILLISECONDS = 2000; // while a backup is being made

/** The backups on the card, and a button that makes one now. */
export function Backups() {
  const asked = useAnswer((signal) => get("/api/backups", { signal }), []);
  const { error, isRunning: isAsking, run } = useAction();
  const isRunning = asked.answer?.running ?? false;
  useEffect(() => {
    if (!isRunning || asked.isLoading) return;
    const timer = setTimeout(asked.retry, POLL_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [isRunning, asked.isLoading]);
  async function make(): Promise<void> {
    if (await run(() => post("/api/backups"))) asked.retry();
  }
  return (
    <Panel title={t("backups.title")} isWide>
      <Answered asked={asked}>{(state) => <Found state={state} />}</Answered>
      <p>
        <button type="button" class="button" disabled={isAsking || isRunning} onClick={make}>
          {t(isRunning ? "backups.running" : "backups.make")}
        </button>
      </p>
      {error && <ErrorNotice error={error} />}
    </Panel>
  );
}

function Found({ state }: { state: State }) {
  return (
    <>
      {state.problem && <p class="warning">{t("backups.failed", { reason: state.problem })}</p>}
      {state.second_problem && <p class="warning">{t("backups.failed", { reason: state.second_problem })}</p>}
      {state.items.length ? (
        <ul class="backups">
          {state.items.map((backup) => (
            <Item key={backup.name} backup={backup} />
          ))}
        </ul>
      ) : (
        <p class="muted">{t("backups.none")}</p>
      )}
      <p class="muted">
        {state.second_place ? t("backups.second", { folder: state.second_place }) : t("backups.cardAlone")}
      </p>
    </>
  );
}

function Item({ backup }: { backup: BackupState }) {
  if (backup.problem !== null) return <li class="warning">{backup.problem}</li>;
  return (
    <li>
      <span>{dayAndTime(backup.made_at ?? 0)}</span>
      <span class="muted">
        {bytes(backup.bytes ?? 0)} · {t("count.tracks", { count: backup.tracks ?? 0 })}
      </span>
    </li>
  );
}
