import type { Updates } from "../../api/models";
import { ErrorNotice } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { t } from "../../messages";
import { PastUpgrades } from "./PastUpgrades";
import { UpdateOffers } from "./UpdateOffers";
import { UpdateSteps } from "./UpdateSteps";
import { UpdateUpload } from "./UpdateUpload";
import { useUpdates, type Watched } from "./use_updates";
import "./Update.css";

/** Which release runs, which one is offered, and a button that installs it. */
export function Update() {
  const watched = useUpdates();
  const { state, error, refresh } = watched;
  return (
    <Panel title={t("update.title")} isWide>
      {state ? (
        <div class="update">
          <p>{t("update.runs", { version: state.version })}</p>
          <div role="status">
            <Ended watched={watched} state={state} />
            {state.installing && <UpdateSteps installing={state.installing} isAway={error !== undefined} />}
          </div>
          {!state.installing && <UpdateOffers state={state} onAsked={refresh} />}
          {state.installable && !state.installing && <UpdateUpload other={state.upload} onDone={refresh} />}
          <PastUpgrades upgrades={state.upgrades.filter((one) => isEnded(one.step))} />
        </div>
      ) : error ? (
        <ErrorNotice error={error} retry={refresh} />
      ) : (
        <p class="notice muted">{t("list.loading")}</p>
      )}
    </Panel>
  );
}

/** How the last one has ended: always why one was not begun, and of one that was watched, all. */
function Ended({ watched, state }: { watched: Watched; state: Updates }) {
  if (state.installing) return null;
  if (state.refused) {
    const { version, reason } = state.refused;
    return <p class="warning">{version ? t("update.refused", { version, reason }) : reason}</p>;
  }
  const last = state.upgrades[0];
  if (!watched.wasInstalling || !last || !isEnded(last.step)) return null;
  const values = { version: last.new, old: last.old, reason: last.reason };
  if (last.step !== "finished") {
    return <p class="warning">{t(last.step === "undone" ? "update.undone" : "update.failed", values)}</p>;
  }
  return (
    <p>
      {t("update.finished", values)}{" "}
      {state.version !== watched.first && (
        <button type="button" class="button main" onClick={() => location.reload()}>
          {t("update.reload")}
        </button>
      )}
    </p>
  );
}

function isEnded(step: string): step is "finished" | "undone" | "failed" {
  return step === "finished" || step === "undone" || step === "failed";
}
